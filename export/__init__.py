"""Framework models to ONNX, with intermediate outputs exposed and the file verified against the framework."""

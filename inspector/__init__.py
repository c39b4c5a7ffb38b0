"""The inspector: activations, filters, checked gradients and heatmaps of any ONNX file."""

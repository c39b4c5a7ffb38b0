"""onnxlens beside something known, on the same work, in one run. Not installed; figures are ratios, never seconds."""

"""Element types and shapes."""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.passes.common import ShapeInferencePass

__all__ = ["infer_types"]


def infer_types(model: ir.Model) -> ir.Model:
    """The model with what ONNX shape inference can tell of its tensors; itself where nothing is missing."""
    results = (output for node in model.graph for output in node.outputs if output.name)
    if all(value.dtype is not None and value.shape is not None for value in results):
        return model
    return ShapeInferencePass()(model).model

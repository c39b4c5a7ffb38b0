"""Element types and shapes."""

from __future__ import annotations

import onnx_ir as ir

from inspector.model import propagate

__all__ = ["infer_types"]


def infer_types(model: ir.Model) -> ir.Model:
    """The model, in which what ONNX shape inference tells of its tensors is filled in; nothing known is lost."""
    results = (output for node in model.graph for output in node.outputs if output.name)
    if any(value.type is None or value.shape is None for value in results):
        propagate.infer_types(model)
    return model

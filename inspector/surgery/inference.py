"""Element types and shapes."""

from __future__ import annotations

import onnx_ir as ir

from inspector.model.inference import infer
from inspector.model.propagate import follow_types

__all__ = ["infer_types"]


def infer_types(model: ir.Model) -> ir.Model:
    """The model, in which what ONNX shape inference tells of its tensors is filled in; nothing known is lost."""
    if _lacks(model):
        infer(model)
    if _lacks(model):
        follow_types(model)
    return model


def _lacks(model: ir.Model) -> bool:
    results = (output for node in model.graph for output in node.outputs if output.name)
    return any(value.type is None or value.shape is None for value in results)

"""The graph to read a model's structure from: the one that is differentiated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inspector.errors import InspectorError
from inspector.objectives.evaluator import Evaluator

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["readable"]


def readable(evaluator: Evaluator) -> ir.Model:
    """The graph without fused and quantised operators, whose tensors of 8-bit numbers hold the real ones that these
    stand for; the file's own graph where there is nothing to replace, and where it cannot be had: the structure can be
    told from a graph that has no gradient too.
    """
    try:
        lowered = evaluator.lowered
    except InspectorError:
        return evaluator.model.graph
    return lowered.model if lowered.replaced else evaluator.model.graph

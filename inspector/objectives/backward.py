"""What an output was computed by, as far as the operators behind it only move or rescale its elements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from inspector.model import Model

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["WEIGHTED", "ends_with_weights", "last_activation", "last_concats", "last_scores"]

_WEIGHTED = """
    Conv ConvInteger ConvTranspose DeformConv FusedConv FusedMatMul Gemm MatMul MatMulInteger QGemm QLinearConv
    QLinearMatMul
"""
_MOVES = """
    Cast DequantizeLinear Flatten Identity QuantizeLinear Reshape Slice Squeeze Transpose Unsqueeze
"""
WEIGHTED, MOVES = frozenset(_WEIGHTED.split()), frozenset(_MOVES.split())
RESCALES = frozenset(("Add", "Div", "Mul", "Sub"))


def last_activation(model: Model, output: str) -> str:
    """The Sigmoid or Softmax that an output's elements come from, whatever moved them since; empty where none is."""
    for node in _before(model, output, MOVES):
        if node.op_type in ("Sigmoid", "Softmax", "LogSoftmax"):
            return node.op_type
    return ""


def ends_with_weights(model: Model, output: str) -> bool:
    """Whether an output is a product with weights, or a softmax of one, and no hidden state or normalised vector."""
    passed = MOVES | RESCALES | {"Softmax", "LogSoftmax", "Sigmoid"}
    ends = [node for node in _before(model, output, passed) if node.op_type not in passed]
    return bool(ends) and ends[0].op_type in WEIGHTED


def last_concats(model: Model, output: str) -> list[ir.Node]:
    """The concatenations after the last weights before an output: of levels, of boxes and scores."""
    return [node for node in _before(model, output, None) if node.op_type == "Concat"]


def last_scores(model: Model, output: str) -> str:
    """The floating-point tensor whose largest element an output of integers names; empty where there is none."""
    for node in _before(model, output, None):
        first = node.inputs[0] if node.inputs else None
        if node.op_type in ("ArgMax", "ArgMin", "TopK") and first is not None and first.dtype is not None:
            return str(first.name) if first.dtype.is_floating_point() else ""
    return ""


def _before(model: Model, output: str, passed: frozenset[str] | None) -> Iterator[ir.Node]:
    """The nodes behind an output, nearest first, going on behind those in `passed` (None: those without weights)."""
    values = [value for value in model.graph.graph.outputs if value.name == output]
    seen: set[ir.Node] = set()
    while values:
        node = values.pop(0).producer()
        if node is None or node in seen:
            continue
        seen.add(node)
        yield node
        if node.op_type not in WEIGHTED if passed is None else node.op_type in passed:
            values += [value for value in node.inputs if value is not None and not value.is_initializer()]

"""Standard operators on integer tensors that have become float ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir

from inspector.autodiff.lowering.scope import INTEGER, Scope, Units, element_type
from inspector.autodiff.tape import Operand

__all__ = ["on_integers"]

_UNITS_STAY = frozenset(
    [
        "DepthToSpace",
        "Expand",
        "Flatten",
        "Gather",
        "GatherElements",
        "GatherND",
        "GlobalMaxPool",
        "Identity",
        "MaxPool",
        "Pad",
        "ReduceMax",
        "ReduceMin",
        "Reshape",
        "Resize",
        "ReverseSequence",
        "Slice",
        "SpaceToDepth",
        "Split",
        "Squeeze",
        "Tile",
        "TopK",
        "Transpose",
        "Unsqueeze",
    ]
)
"""What moves or chooses numbers, or mixes them by weights that add up to one: results have the first input's units."""

_ALL_ALIKE = {"Concat": 0, "Max": 0, "Min": 0, "Where": 1}
"""As above, of several inputs (from this one on) that must have the same units."""

_ARITHMETIC = frozenset(
    [
        "Abs",
        "Add",
        "AveragePool",
        "Clip",
        "Gemm",
        "GlobalAveragePool",
        "MatMul",
        "Mul",
        "Neg",
        "Relu",
        "ReduceMean",
        "ReduceSum",
        "Sign",
        "Sub",
        "Sum",
    ]
)
"""What computes with the integers as they are."""


def on_integers(scope: Scope, node: ir.Node) -> list[Operand] | None:
    """`node`, a standard operator, on what its integer inputs have become; None where it has none of these."""
    if _picks_rows(scope, node):
        return _picked(scope, node)
    if not any(scope.stands_for_integers(value) for value in node.inputs):
        return None
    if node.op_type in _UNITS_STAY and scope.stands_for_integers(node.inputs[0]):
        return _moved(scope, node)
    if node.op_type in _ALL_ALIKE:
        return _joined(scope, node, _ALL_ALIKE[node.op_type])
    if node.op_type == "Cast":
        to = ir.DataType(node.attributes["to"].as_int())
        numbers = scope.integers(node.inputs[0])
        if to.is_floating_point():
            return [scope.Cast(numbers, to=to.value)]
        return [scope.as_integers(numbers, INTEGER)]
    if node.op_type in ("Shape", "Size"):
        return list(_emit(scope, node, list(node.inputs)))
    numbers_in = [
        value if value is None or not _is_number(scope, value) else scope.integers(value)
        for value in node.inputs
    ]
    results = _emit(scope, node, numbers_in)
    if node.op_type in _ARITHMETIC:
        return [scope.as_integers(result, INTEGER) for result in results]
    return list(results)


def _picks_rows(scope: Scope, node: ir.Node) -> bool:
    """Whether it takes entries out of a table of 8-bit weights that somebody dequantises later: an embedding."""
    if node.op_type not in ("Gather", "GatherElements", "GatherND"):
        return False
    table, places = node.inputs
    return (
        element_type(table) in (ir.DataType.INT8, ir.DataType.UINT8)
        and scope.known(table) is not None
        and scope.known(places) is None
    )


def _picked(scope: Scope, node: ir.Node) -> list[Operand]:
    """The entries as what they mean: the first floating-point tensor after the numbers of words."""
    (rows,) = _emit(scope, node, list(node.inputs))
    readers = {use.node.op_type: use.node for use in node.outputs[0].uses()}
    reader = readers.get("DequantizeLinear")
    units = INTEGER
    if reader is not None and scope.is_scalar(reader.inputs[1]):
        _, scale, zero = (*reader.inputs, None)[:3]
        units = Units(scale, zero)
    return [scope.as_integers(scope.real(rows, units), units)]


def _moved(scope: Scope, node: ir.Node) -> list[Operand]:
    first, *others = node.inputs
    assert first is not None
    units = scope.units[first]
    if not scope.is_scalar(units.scale):
        # one scale per channel, and the channels may be moved: the integers themselves
        first, units = scope.integers(first), INTEGER
    if node.op_type == "Pad":
        fill = others[1] if len(others) > 1 else None
        number = scope.constant(np.array(0, np.float32)) if fill is None else scope.integers(fill)
        others = [*others[:1], scope.in_units(number, units, first.dtype), *others[2:]]
    results = _emit(scope, node, [first, *others])
    indices = {"MaxPool": 1, "TopK": 1}.get(node.op_type, len(results))
    return [
        scope.as_integers(result, units) if place < indices else result
        for place, result in enumerate(results)
    ]


def _joined(scope: Scope, node: ir.Node, start: int) -> list[Operand]:
    parts = [value for value in node.inputs[start:] if value is not None]
    units = scope.common_units(parts)
    if units is None:
        units, parts = INTEGER, [scope.integers(part) for part in parts]
    return [scope.as_integers(result, units) for result in _emit(scope, node, [*node.inputs[:start], *parts])]


def _is_number(scope: Scope, value: ir.Value) -> bool:
    return scope.stands_for_integers(value) or (value.dtype is not None and value.dtype.is_integer())


def _emit(scope: Scope, node: ir.Node, inputs: list[Operand]) -> list[ir.Value]:
    attributes: dict[str, Any] = dict(node.attributes)
    return list(scope.op(node.op_type, *inputs, outputs=len(node.outputs), **attributes))

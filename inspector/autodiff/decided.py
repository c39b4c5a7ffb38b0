"""Conditions that ranks and lengths decide before anything runs: `if x.ndim == 2`, `if x.shape[1] == 1`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from inspector.autodiff.tape import Operand, Tape

__all__ = ["decided"]

Partial = NDArray[Any]
"""An array of objects: numbers, and None where only a run can tell."""

_DEEPEST = 12
"""Nodes between a condition and the shape that it reads; no exporter writes as many."""


def decided(tape: Tape, condition: Operand) -> bool | None:
    """What a condition is in every run; None where it may differ."""
    found = _value(tape, condition, _DEEPEST)
    return None if found is None or found.size != 1 or found.flat[0] is None else bool(found.flat[0])


def _value(tape: Tape, value: Operand, depth: int) -> Partial | None:
    array = tape.known(value)
    if array is not None:
        return array.astype(object)
    node = None if value is None else value.producer()
    if node is None or node.domain or not depth:
        return None
    if node.op_type in ("Shape", "Size"):
        # of a shape, what is read is the rank
        of = _value(tape, node.inputs[0], depth - 1)
        lengths = _lengths(node) if of is None else np.array(of.shape, dtype=object)
        return lengths if node.op_type == "Shape" else _product(lengths)
    evaluate = _OPERATORS.get(node.op_type)
    inputs = [_value(tape, each, depth - 1) for each in node.inputs]
    if evaluate is None or any(each is None for each in inputs):
        return None
    return evaluate(node, *inputs)


def _lengths(node: ir.Node) -> Partial | None:
    (x,) = node.inputs
    if x is None or x.shape is None:
        return None
    end = node.attributes["end"].as_int() if "end" in node.attributes else None
    dims = [dim if isinstance(dim, int) else None for dim in x.shape.dims]
    return np.array(dims[node.attributes.get_int("start", 0) : end], dtype=object)


def _product(lengths: Partial | None) -> Partial | None:
    if lengths is None or any(length is None for length in lengths):
        return None
    return np.array(math.prod(lengths), dtype=object)


def _gather(node: ir.Node, data: Partial, indices: Partial) -> Partial | None:
    if any(each is None for each in indices.flat):
        return None
    taken = np.take(data, indices.astype(np.int64), axis=node.attributes.get_int("axis", 0))
    return np.asarray(taken, dtype=object)


def _elementwise(function: Callable[..., Any]) -> Callable[..., Partial]:
    def known(*values: Any) -> Any:
        return None if any(value is None for value in values) else function(*values)

    return lambda node, *inputs: np.asarray(np.frompyfunc(known, len(inputs), 1)(*inputs), dtype=object)


_OPERATORS: dict[str, Callable[..., Partial | None]] = {
    "And": _elementwise(lambda a, b: bool(a and b)),
    "Cast": lambda node, x: x,
    "Equal": _elementwise(lambda a, b: a == b),
    "Gather": _gather,
    "Greater": _elementwise(lambda a, b: a > b),
    "Identity": lambda node, x: x,
    "Less": _elementwise(lambda a, b: a < b),
    "Not": _elementwise(lambda a: not a),
    "Or": _elementwise(lambda a, b: bool(a or b)),
    "Squeeze": lambda node, x, axes=None: x.reshape(()) if x.size == 1 else None,
    "Unsqueeze": lambda node, x, axes: x.reshape(1) if x.ndim == 0 and axes.size == 1 else None,
}

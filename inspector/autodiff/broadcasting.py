"""The transpose of broadcasting: sum over the axes along which a tensor was repeated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import onnx_ir as ir

from inspector.autodiff.blocked import summed
from inspector.autodiff.tape import Operand, Tape

__all__ = ["BROADCASTING", "Dim", "dims", "unbroadcast"]

Dim: TypeAlias = int | str | None
"""The length of an axis as the model tells it: a number, a symbol, or nothing."""

BROADCASTING = frozenset(
    [
        "Add",
        "Clip",
        "Div",
        "Expand",
        "Max",
        "Mean",
        "Min",
        "Mod",
        "Mul",
        "PRelu",
        "Pow",
        "Sub",
        "Sum",
        "Where",
    ]
)
"""Operators whose inputs are broadcast to the shape of the output: their rules return cotangents of the
output's shape, and the engine sums each down to its input's."""


def dims(value: Operand) -> list[Dim] | None:
    """What the model tells of the shape of `value`; None where not even the rank is known."""
    if value is None or value.shape is None:
        return None
    return [dim if isinstance(dim, int) else dim.value for dim in value.shape.dims]


def along(tape: Tape, vector: Operand, axis: int, rank: int) -> ir.Value:
    """`vector` in a shape that broadcasts to `rank` axes, its elements along `axis`."""
    return tape.Reshape(vector, [-1 if each == axis else 1 for each in range(rank)])


def unbroadcast(tape: Tape, g: Operand, source: Sequence[Dim] | None, target: Operand) -> Operand:
    """`g`, whose shape is `source`, summed over the axes that broadcasting `target` to `source` repeats."""
    wanted = dims(target)
    if source is None or wanted is None:
        return _at_run_time(tape, g, target)
    lead = len(source) - len(wanted)
    pairs = list(zip(source[lead:], wanted, strict=True))
    if any(not _settled(have, want) for have, want in pairs):
        return _at_run_time(tape, g, target)
    repeated = [lead + axis for axis, (have, want) in enumerate(pairs) if want == 1 and have != 1]
    if repeated:
        inside = summed(tape, g, source) if repeated == [2, 3] and not lead else None
        g = tape.ReduceSum(g, repeated, keepdims=1) if inside is None else inside
    if lead:
        g = tape.ReduceSum(g, list(range(lead)), keepdims=0)
    return g


def _settled(have: Dim, want: Dim) -> bool:
    """Whether the model tells if this axis is repeated: it is not where both are one symbol."""
    return isinstance(want, int) or (want is not None and want == have)


def _at_run_time(tape: Tape, g: Operand, target: Operand) -> ir.Value:
    """Sum over every axis on which `target`, its shape padded with ones in front, has length 1."""
    shape = tape.Shape(target)
    missing = tape.Sub(tape.Shape(tape.Shape(g)), tape.Shape(shape))
    padded = tape.Concat(tape.Expand(tape.ints([1]), missing), shape, axis=0)
    axes = tape.Reshape(tape.NonZero(tape.Equal(padded, 1)), [-1])
    return tape.Reshape(tape.ReduceSum(g, axes, keepdims=1, noop_with_empty_axes=1), shape, allowzero=1)

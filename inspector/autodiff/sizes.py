"""Integer arithmetic that is done now where the numbers are known, and by the graph where they are not.

A size is an `int` where the model tells it and an `Int` where only a run can tell. Formulas over sizes are
written once: Python folds the `int`s, and an `Int` anywhere in them emits nodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import onnx_ir as ir

if TYPE_CHECKING:
    from inspector.autodiff.tape import Tape

__all__ = ["Int", "Size", "count", "maximum", "minimum", "product"]


class Int:
    """An integer known only at run time: a one-element int64 vector on the tape."""

    def __init__(self, tape: Tape, value: ir.Value) -> None:
        self.tape = tape
        self.value = value

    def __add__(self, other: Size) -> Size:
        return self if other == 0 else self._emit("Add", self, other)

    __radd__ = __add__

    def __sub__(self, other: Size) -> Size:
        return self if other == 0 else self._emit("Sub", self, other)

    def __rsub__(self, other: Size) -> Size:
        return self._emit("Sub", other, self)

    def __mul__(self, other: Size) -> Size:
        return self if other == 1 else self._emit("Mul", self, other)

    __rmul__ = __mul__

    def __floordiv__(self, other: Size) -> Size:
        """Division of non-negative numbers (ONNX truncates towards zero, Python floors)."""
        return self if other == 1 else self._emit("Div", self, other)

    def __rfloordiv__(self, other: Size) -> Size:
        return self._emit("Div", other, self)

    def _emit(self, op_type: str, *operands: Size) -> Int:
        tape = self.tape
        return Int(tape, tape.op(op_type, *(tape.ints([operand]) for operand in operands))[0])


Size: TypeAlias = int | Int


def count(tape: Tape, size: Size) -> ir.Value:
    """0, 1, ..., size - 1 in int64."""
    return tape.Range(0, tape.Squeeze(size.value, [0]) if isinstance(size, Int) else size, 1)


def maximum(a: Size, b: Size) -> Size:
    """The larger of two sizes."""
    return _extreme("Max", a, b)


def minimum(a: Size, b: Size) -> Size:
    """The smaller of two sizes."""
    return _extreme("Min", a, b)


def product(sizes: list[Size]) -> Size:
    """The product of all sizes; 1 where there are none."""
    total: Size = 1
    for size in sizes:
        total = size * total
    return total


def _extreme(op_type: str, a: Size, b: Size) -> Size:
    if isinstance(a, int) and isinstance(b, int):
        return max(a, b) if op_type == "Max" else min(a, b)
    dynamic = a if isinstance(a, Int) else b
    assert isinstance(dynamic, Int)
    return dynamic._emit(op_type, a, b)

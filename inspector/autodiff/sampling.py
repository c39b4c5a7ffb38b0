"""Reading an image between its pixels: which of them each place is read from, with which weights, and the way back.

An image is (N, C, *sizes), read at P places of its own each. What is read is linear in the image; the weights are
piecewise polynomials in the place (Keys, Cubic convolution interpolation, 1981; Jaderberg et al., Spatial
transformer networks, 2015, section 3.3).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from inspector.autodiff.sizes import Int, Size, count, product
from inspector.autodiff.tape import Operand, Tape

__all__ = [
    "Neighbours",
    "Taps",
    "number",
    "place_gradients",
    "polynomial_taps",
    "read_places",
    "spread_places",
    "together",
]

_Numbers: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Taps:
    """Neighbours along one axis, each (N, P, taps)."""

    index: ir.Value
    """int64, within the axis"""
    weight: ir.Value
    slope: ir.Value | None
    """the derivative of the weight by the place; None where it is zero"""


@dataclass(frozen=True)
class Neighbours:
    """Neighbours in all axes together, each (N, P, taps)."""

    row: ir.Value
    """int64, among the pixels of all images"""
    weight: ir.Value
    slopes: list[ir.Value]
    """the derivative of the weight by the place along each axis; empty where it is zero"""


def number(tape: Tape, size: Size, like: Operand) -> ir.Value | float:
    """A size as an operand of floating-point arithmetic with `like`."""
    return tape.cast_like(size.value, like) if isinstance(size, Int) else float(size)


def polynomial_taps(
    tape: Tape, place: ir.Value, size: Size, mode: str, padding: str, *, aligned: bool = True
) -> Taps:
    """The neighbours of `place` (N, P, 1), in pixels, along an axis of `size`.

    Args:
        mode: nearest, linear or cubic.
        padding: what lies beyond the image: zeros, border (the outermost pixels) or reflection.
        aligned: reflected about the centres of the outermost pixels, else about their outer edges.
    """
    if mode == "nearest":
        place = tape.Round(place)
    first = tape.Floor(place)
    polynomial = _POLYNOMIALS[mode]
    t = tape.Sub(place, first)
    taps = polynomial.shape[1]
    index = tape.Add(first, _row(tape, np.arange(taps) - (taps - 1) // 2, place))
    weight = _horner(tape, polynomial, t)
    derivative = polynomial[1:] * np.arange(1, len(polynomial))[:, None]
    slope = _horner(tape, derivative, t) if len(derivative) else None
    last = number(tape, size - 1, place)
    if padding == "zeros":
        inside = tape.And(tape.GreaterOrEqual(index, 0), tape.LessOrEqual(index, last))
        weight = tape.Where(inside, weight, 0)
        slope = None if slope is None else tape.Where(inside, slope, 0)
    elif padding == "reflection":
        index = _reflected(tape, index, size, aligned)
    within = tape.Min(tape.Max(index, 0), last)
    # a place that is no number has neighbours too: a result that is none, not an index out of bounds
    within = tape.Where(tape.IsNaN(within), 0, within)
    return Taps(tape.Cast(within, to=ir.DataType.INT64.value), weight, slope)


def together(tape: Tape, along: Sequence[Taps], sizes: Sequence[Size], images: Size) -> Neighbours:
    """The neighbours in all axes, one `Taps` for each, of places in each of `images`."""
    rank = len(along)

    def apart(value: ir.Value, axis: int) -> ir.Value:
        """With an axis of its own for the taps along each axis."""
        others = [2 + other for other in range(rank) if other != axis]
        return tape.Unsqueeze(value, others) if others else value

    def flat(value: ir.Value) -> ir.Value:
        return tape.Reshape(value, [0, 0, -1]) if rank > 1 else value

    pixels = [product(list(sizes[axis + 1 :])) for axis in range(rank)]
    offsets = [
        tape.Mul(apart(taps.index, axis), tape.ints([pixels[axis]])) for axis, taps in enumerate(along)
    ]
    start = tape.Mul(count(tape, images), tape.ints([product(list(sizes))]))
    row = tape.Add(flat(functools.reduce(tape.Add, offsets)), tape.Reshape(start, [-1, 1, 1]))
    weights = [apart(taps.weight, axis) for axis, taps in enumerate(along)]
    slopes = [None if taps.slope is None else apart(taps.slope, axis) for axis, taps in enumerate(along)]
    return Neighbours(
        row,
        flat(functools.reduce(tape.Mul, weights)),
        [
            flat(functools.reduce(tape.Mul, [*weights[:axis], slope, *weights[axis + 1 :]]))
            for axis, slope in enumerate(slopes)
            if slope is not None
        ],
    )


def read_places(tape: Tape, x: Operand, near: Neighbours, sizes: Sequence[Size]) -> ir.Value:
    """What is read of `x`, of `sizes` (N, C, ...): (N, P, C)."""
    picked = _picked(tape, x, near, sizes)
    return tape.ReduceSum(tape.Mul(picked, _columns(tape, near.weight, picked)), [2], keepdims=0)


def spread_places(tape: Tape, g: ir.Value, near: Neighbours, sizes: Sequence[Size]) -> ir.Value:
    """The transpose of `read_places`: each of `g` (N, P, C) is added to the pixels it was read from; (N, C, pixels)."""
    shares = tape.Mul(tape.Unsqueeze(g, [2]), _columns(tape, near.weight, g))
    n, channels, spatial = sizes[0], sizes[1], product(list(sizes[2:]))
    rows = tape.zeros(tape.ints([n * spatial, channels]), g)
    summed = tape.ScatterND(rows, tape.Unsqueeze(near.row, [-1]), shares, reduction="add")
    return tape.Transpose(tape.Reshape(summed, [n, spatial, channels]), perm=[0, 2, 1])


def place_gradients(
    tape: Tape, g: ir.Value, x: Operand, near: Neighbours, sizes: Sequence[Size]
) -> list[ir.Value]:
    """The cotangents (N, P, 1) of the places along each axis, for those `g` (N, P, C) of what was read there."""
    along = tape.ReduceSum(tape.Mul(_picked(tape, x, near, sizes), tape.Unsqueeze(g, [2])), [3], keepdims=0)
    return [
        tape.ReduceSum(tape.Mul(along, tape.cast_like(slope, along)), [2], keepdims=1)
        for slope in near.slopes
    ]


# --- inside ----------------------------------------------------------------------------------------------


def _cubic(a: float) -> _Numbers:
    """Weights of the four neighbours: a row for each power of the distance from the second."""
    return np.array(
        [[0, 1, 0, 0], [a, 0, -a, 0], [-2 * a, -a - 3, 2 * a + 3, a], [a, a + 2, -a - 2, -a]],
        dtype=np.float64,
    )


_POLYNOMIALS = {
    "nearest": np.array([[1.0]]),
    "linear": np.array([[1.0, 0.0], [-1.0, 1.0]]),
    "cubic": _cubic(-0.75),
}


def _horner(tape: Tape, polynomial: _Numbers, t: ir.Value) -> ir.Value:
    """The polynomial, a row for each power, at `t` (N, P, 1): (N, P, taps), or (1, 1, taps) where it is constant."""
    *lower, total = [_row(tape, row, t) for row in polynomial]
    for row in reversed(lower):
        total = tape.Add(tape.Mul(total, t), row)
    return total


def _row(tape: Tape, numbers: _Numbers, like: ir.Value) -> ir.Value:
    dtype = like.dtype or ir.DataType.FLOAT
    return tape.constant(numbers.astype(dtype.numpy()).reshape(1, 1, -1))


def _reflected(tape: Tape, index: ir.Value, size: Size, aligned: bool) -> ir.Value:
    """Folded back at both ends of the axis until it lies within."""
    period = number(tape, (size - 1) * 2 if aligned else size * 2, index)
    # (an axis of one pixel has nothing to fold about its centre)
    period = tape.Max(period, 1) if isinstance(period, ir.Value) else max(period, 1.0)
    phase = tape.Sub(index, tape.Mul(tape.Floor(tape.Div(index, period)), period))
    mirrored = tape.Sub(period, phase)
    return tape.Min(phase, mirrored if aligned else tape.Sub(mirrored, 1))


def _picked(tape: Tape, x: Operand, near: Neighbours, sizes: Sequence[Size]) -> ir.Value:
    """Every neighbour of every place: (N, P, taps, C)."""
    rows = tape.Transpose(tape.widened(x), perm=[0, *range(2, len(sizes)), 1])
    return tape.Gather(tape.Reshape(rows, [-1, sizes[1]]), near.row)


def _columns(tape: Tape, weight: ir.Value, like: Operand) -> ir.Value:
    return tape.cast_like(tape.Unsqueeze(weight, [-1]), like)

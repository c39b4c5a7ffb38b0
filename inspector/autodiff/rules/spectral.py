"""Fourier transforms. They are linear: the pullback is the transposed matrix, which is again a Fourier transform.

With Y_k = sum_n X_n exp(-2 pi i k n / N), written as pairs of real and imaginary part, the transpose is
G_n = sum_k G_k exp(+2 pi i k n / N) = N times the inverse transform (Giles, An extended collection of matrix
derivative results (2008), section 1.1: the adjoint of a linear map).
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from inspector.autodiff.broadcasting import along
from inspector.autodiff.sizes import Int, Size, count, minimum
from inspector.autodiff.tape import Operand, Pullback, Tape, Values


def dft(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (x, length, axis_input) = cotangents, [*node.inputs, None, None][:3]
    inverse = bool(node.attributes.get_int("inverse", 0))
    onesided = bool(node.attributes.get_int("onesided", 0))
    rest = [None] * (len(node.inputs) - 1)
    if axis_input is not None and tape.known(axis_input) is None:
        # which axis is transformed, only a run tells: bring it to a known place
        return [_along_unknown_axis(tape, g, x, length, axis_input, inverse, onesided), *rest]
    known = tape.known(axis_input)
    default = -2 if tape.opset >= 20 else 1
    axis = node.attributes.get_int("axis", default) if known is None else int(known.item())
    return [_transposed(tape, g, x, _length(tape, length), axis % tape.rank(x), inverse, onesided), *rest]


def _along_unknown_axis(
    tape: Tape, g: Operand, x: Operand, length: Operand, axis: Operand, inverse: bool, onesided: bool
) -> ir.Value:
    """As `_transposed`, with the axis swapped with the one before the last."""
    rank = tape.rank(x)
    places = tape.ints(range(rank))
    chosen = tape.Mod(tape.Add(tape.Reshape(axis, [1]), rank), rank)
    last = tape.ints([rank - 2])
    swap = tape.Where(tape.Equal(places, chosen), last, tape.Where(tape.Equal(places, last), chosen, places))

    def swapped(value: Operand) -> ir.Value:
        # Transpose takes its order as an attribute; positions can be moved by Gather
        sizes = tape.shape(value)
        strides = (
            tape.CumProd(sizes, 0, exclusive=1, reverse=1)
            if tape.opset >= 26
            else _strides(tape, sizes, rank)
        )
        offsets: Operand = tape.ints([0])
        for place in range(rank):
            there = tape.Slice(swap, [place], [place + 1], [0])
            index = count(tape, Int(tape, tape.Gather(sizes, there)))
            step = tape.Mul(index, tape.Gather(strides, there))
            offsets = tape.Add(offsets, along(tape, step, place, rank))
        return tape.Gather(tape.Reshape(value, [-1]), offsets)

    moved_x = swapped(x)
    moved_x.shape = ir.Shape([None] * rank)
    moved = _transposed(tape, swapped(g), moved_x, _length(tape, length), rank - 2, inverse, onesided)
    return swapped(moved)


def _strides(tape: Tape, sizes: Operand, rank: int) -> ir.Value:
    """How many elements lie between neighbours along each axis."""
    parts = [
        tape.ReduceProd(tape.Slice(sizes, [place + 1], [rank], [0]), [0], keepdims=1) for place in range(rank)
    ]
    return tape.Concat(*parts, axis=0)


def _length(tape: Tape, length: Operand) -> Size | None:
    if length is None:
        return None
    known = tape.known(length)
    return (
        Int(tape, tape.Cast(tape.Reshape(length, [1]), to=ir.DataType.INT64.value))
        if known is None
        else int(known.item())
    )


def _transposed(
    tape: Tape, g: Operand, x: Operand, length: Size | None, axis: int, inverse: bool, onesided: bool
) -> ir.Value:
    taken = tape.size(x, axis)
    if length is None:
        length = (taken - 1) * 2 if inverse and onesided else taken
    if inverse and onesided:
        gx = _of_halves(tape, g, length, axis, tape.rank(x))
    else:
        # half of the bins are left out of a one-sided result: nothing comes back from them
        bins = length // 2 + 1 if onesided else length
        full = _fitted(tape, g, bins, length, axis, tape.rank(x)) if onesided else g
        gx = transform(tape, full, axis, inverse=not inverse)
        number = tape.cast_like(tape.ints([length]), gx)
        gx = tape.Div(gx, number) if inverse else tape.Mul(gx, number)
    have = length // 2 + 1 if inverse and onesided else length
    gx = _fitted(tape, gx, have, taken, axis, tape.rank(x))
    parts = tape.size(x, -1)
    if parts == 2:
        return gx
    # of a real signal only the real part moves
    return tape.Slice(gx, [0], [parts], [-1])


def _of_halves(tape: Tape, g: Operand, length: Size, axis: int, rank: int) -> ir.Value:
    """Of a real signal from its bins 0 to N/2: all but the first, and the last where N is even, stand for two."""
    bins = length // 2 + 1
    spectrum = transform(tape, g, axis, onesided=1)
    index = count(tape, bins)
    middle = tape.Equal(tape.Mul(index, 2), tape.ints([length]))
    single = tape.Or(tape.Equal(index, 0), middle)
    weights = tape.Div(
        tape.Where(single, tape.ones(tape.ints([1]), g), 2), tape.cast_like(tape.ints([length]), g)
    )
    return tape.Mul(spectrum, along(tape, weights, axis, rank))


def transform(tape: Tape, x: Operand, axis: int, *, inverse: bool = False, onesided: int = 0) -> ir.Value:
    """A DFT node, in the form of the model's operator set."""
    if tape.opset >= 20:
        return tape.DFT(x, None, tape.constant(np.array(axis)), inverse=int(inverse), onesided=onesided)
    return tape.DFT(x, axis=axis, inverse=int(inverse), onesided=onesided)


def _fitted(tape: Tape, value: Operand, have: Size, want: Size, axis: int, rank: int) -> ir.Value:
    """`value`, of length `have` along `axis`, cut off or filled up with zeros to `want`."""
    result = tape.Slice(value, tape.ints([0]), tape.ints([minimum(have, want)]), [axis])
    missing = want - minimum(have, want)
    if isinstance(missing, int) and missing == 0:
        return result
    # (for all axes: onnxruntime's transpose optimiser loses sight of an input that names some)
    behind = [missing if each == axis else 0 for each in range(rank)]
    return tape.Pad(result, tape.ints([*[0] * rank, *behind]))


def stft(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Each frame is a piece of the signal times the window, transformed; frames overlap, and so add up."""
    (g,), (x, step, window, length) = cotangents, [*node.inputs, None, None][:4]
    onesided = node.attributes.get_int("onesided", 1)
    number = _length(tape, length)
    if number is None:
        number = tape.size(x, 1) if window is None else tape.size(window, 0)
    full = _fitted(tape, g, number // 2 + 1, number, 2, 4) if onesided else g
    frames = tape.Mul(transform(tape, full, 2, inverse=True), tape.cast_like(tape.ints([number]), g))
    parts = tape.size(x, -1)
    frames = tape.Slice(frames, tape.ints([0]), tape.ints([parts]), [-1])
    starts = tape.Mul(
        count(tape, tape.size(g, 1)),
        tape.Cast(step, to=ir.DataType.INT64.value),
    )
    within = count(tape, number)
    places = tape.Reshape(tape.Add(tape.Unsqueeze(starts, [1]), within), [-1])
    gw: Operand = None
    if window is not None:
        pieces = tape.Reshape(tape.Gather(x, places, axis=1), tape.Shape(frames))
        gw = tape.ReduceSum(tape.Mul(frames, pieces), [0, 1, 3], keepdims=0)
        frames = tape.Mul(frames, tape.Unsqueeze(window, [1]))
    # as many rows as samples, each with a batch and one or two parts
    shape = tape.ints([-1, tape.size(x, 0), parts])
    rows = tape.Reshape(tape.Transpose(frames, perm=[1, 2, 0, 3]), shape)
    zeros = tape.zeros(tape.ints([tape.size(x, 1), tape.size(x, 0), parts]), rows)
    summed = tape.ScatterND(zeros, tape.Unsqueeze(places, [1]), rows, reduction="add")
    return [tape.Transpose(summed, perm=[1, 0, 2]), None, gw, None][: len(node.inputs)]


RULES: dict[str, Pullback] = {"DFT": dft, "STFT": stft}

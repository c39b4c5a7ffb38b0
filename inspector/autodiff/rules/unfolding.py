"""Operators that put elements back to the places that windows took them from: their pullbacks take them again."""

from __future__ import annotations

import onnx_ir as ir

from inspector.autodiff.sizes import Int, Size, product
from inspector.autodiff.tape import Operand, Pullback, Tape, Values


def col2im(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Im2col: a convolution of each channel, with as many kernels as a window has taps, each of which reads one tap."""
    (g,), (columns, image_shape, block_shape) = cotangents, node.inputs
    rank = _rank(tape, node)
    image, block = _entries(tape, image_shape, rank), _entries(tape, block_shape, rank)
    taps = product(block)
    unit = tape.EyeLike(tape.zeros(tape.ints([taps, taps]), g))
    geometry = {name: node.attributes.get_ints(name) for name in ("dilations", "pads", "strides")}
    taken = tape.Conv(tape.Reshape(g, [-1, 1, *image]), tape.Reshape(unit, [taps, 1, *block]), **geometry)
    return [tape.reshape_like(taken, columns), None, None]


def _rank(tape: Tape, node: ir.Node) -> int:
    """How many axes the image has, from whatever tells."""
    for name in ("strides", "dilations"):
        if name in node.attributes:
            return len(node.attributes[name].as_ints())
    lengths = (tape.size(vector, 0) for vector in node.inputs[1:])
    known = (length for length in lengths if isinstance(length, int))
    return next(known, None) or tape.rank(node.outputs[0]) - 2


def _entries(tape: Tape, vector: Operand, length: int) -> list[Size]:
    known = tape.known(vector)
    if known is not None:
        return [int(entry) for entry in known]
    return [Int(tape, tape.Slice(vector, [axis], [axis + 1])) for axis in range(length)]


def max_unpool(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """From the places that the elements were put to. Of two in one place the last stays."""
    (g,), (x, indices, *rest) = cotangents, node.inputs
    flat, places = tape.Reshape(g, [-1]), tape.Reshape(indices, [-1])
    number = tape.Range(0, tape.Size(x), 1)
    nobody = tape.zeros(tape.Shape(flat), number)
    stays = tape.Equal(tape.Gather(tape.ScatterElements(nobody, places, number), places), number)
    taken = tape.Where(stays, tape.Gather(flat, places), 0)
    return [tape.reshape_like(taken, x), *([None] * (1 + len(rest)))]


RULES: dict[str, Pullback] = {
    "Col2Im": col2im,
    "MaxUnpool": max_unpool,
}

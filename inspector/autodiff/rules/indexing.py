"""Operators that pick elements by indices which are themselves tensors."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from inspector.autodiff.broadcasting import along, dims
from inspector.autodiff.rules.movement import rearranged
from inspector.autodiff.scatter import scatter_add
from inspector.autodiff.tape import Operand, Pullback, Tape, Values


def gather(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Bring the indexed axis to the front, add the slices there, bring it back."""
    (g,), (x, indices) = cotangents, node.inputs
    rank, width = tape.rank(x), tape.rank(indices)
    axis = node.attributes.get_int("axis", 0) % rank
    sizes = tape.sizes(x)
    others = [other for other in range(rank) if other != axis]
    if axis:
        behind = range(axis + width, rank + width - 1)
        g = tape.Transpose(g, perm=[*range(axis, axis + width), *range(axis), *behind])
    wide = tape.widened(g)
    zeros = tape.zeros(tape.ints([sizes[axis], *(sizes[other] for other in others)]), wide)
    places = tape.Unsqueeze(tape.cast(indices, ir.DataType.INT64), [-1])
    gx = tape.ScatterND(zeros, places, wide, reduction="add")
    if axis:
        front = [axis, *others]
        gx = tape.Transpose(gx, perm=[front.index(each) for each in range(rank)])
    return [gx, None]


def gather_elements(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (x, indices) = cotangents, node.inputs
    axis = node.attributes.get_int("axis", 0)
    shape = None if x is None else x.shape
    matrix = shape is not None and len(shape) == 2
    if shape is not None and matrix and not shape.is_static():
        # (nothing is greater than itself; of a vector per sample it costs nothing, and the runtime sees the same batch)
        wide = tape.widened(g)
        zeros = tape.cast_like(tape.Greater(x, x), wide)
        summed = tape.ScatterElements(zeros, indices, wide, axis=axis, reduction="add")
        gx = tape.cast_like(summed, g)
    else:
        gx = scatter_add(tape, tape.shape(x), indices, g, axis)
    if matrix and axis in (1, -1) and _one_of_each_row(indices, x):
        tape.picked[gx] = (indices, g)
    return [gx, None]


def _one_of_each_row(indices: Operand, x: Operand) -> bool:
    """Whether `indices` (N, 1) name an element of every row of `x` (N, C), as far as the shapes tell."""
    (rows, width), (given, _) = (dims(each) or (None, None) for each in (indices, x))
    return width == 1 and rows is not None and rows == given


def gather_nd(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    if node.attributes.get_int("batch_dims", 0):
        return rearranged(tape, node, cotangents)
    (g,), (x, indices) = cotangents, node.inputs
    wide = tape.widened(g)
    return [tape.ScatterND(tape.zeros(tape.shape(x), wide), indices, wide, reduction="add"), None]


def one_hot(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """To the two values: what the marked places got, and what the others got."""
    (g,), (indices, depth, _) = cotangents, node.inputs
    wide = tape.widened(g)
    marks = tape.constant(np.array([0, 1], dtype=(wide.dtype or ir.DataType.FLOAT).numpy()))
    marked = tape.OneHot(indices, depth, marks, axis=node.attributes.get_int("axis", -1))
    on = tape.ReduceSum(tape.Mul(wide, marked), keepdims=0)
    off = tape.Sub(tape.ReduceSum(wide, keepdims=0), on)
    return [None, None, tape.Concat(tape.Reshape(off, [1]), tape.Reshape(on, [1]), axis=0)]


def unique(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """To the elements (or slices) that are the one result; equal ones share."""
    g, (x,), axis = tape.widened(cotangents[0]), node.inputs, node.attributes.get_int("axis")
    again = tape.op("Unique", x, outputs=4, axis=axis, sorted=node.attributes.get_int("sorted", 1))
    _, _, inverse, counts = again
    place = 0 if axis is None else axis % tape.rank(x)
    lengths = tape.cast_like(counts, g)
    if axis is not None:
        lengths = along(tape, lengths, place, tape.rank(x))
    return [tape.reshape_like(tape.Gather(tape.Div(g, lengths), inverse, axis=place), x)]


def top_k(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """To the elements that were chosen."""
    (g, _), (x, _), (_, indices) = cotangents, node.inputs, node.outputs
    return [scatter_add(tape, tape.shape(x), indices, g, node.attributes.get_int("axis", -1)), None]


RULES: dict[str, Pullback] = {
    "Gather": gather,
    "GatherElements": gather_elements,
    "GatherND": gather_nd,
    "OneHot": one_hot,
    "TopK": top_k,
    "Unique": unique,
}

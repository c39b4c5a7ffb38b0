"""Operators that pick elements by indices which are themselves tensors."""

from __future__ import annotations

import onnx_ir as ir

from inspector.autodiff.rules.movement import rearranged
from inspector.autodiff.scatter import scatter_add
from inspector.autodiff.tape import Pullback, Tape, Values


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
    gx = tape.ScatterND(zeros, tape.Unsqueeze(indices, [-1]), wide, reduction="add")
    if axis:
        front = [axis, *others]
        gx = tape.Transpose(gx, perm=[front.index(each) for each in range(rank)])
    return [gx, None]


def gather_elements(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (x, indices) = cotangents, node.inputs
    axis = node.attributes.get_int("axis", 0)
    return [scatter_add(tape, tape.shape(x), indices, g, axis), None]


def gather_nd(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    if node.attributes.get_int("batch_dims", 0):
        return rearranged(tape, node, cotangents)
    (g,), (x, indices) = cotangents, node.inputs
    return [tape.ScatterND(tape.zeros_like(x), indices, g, reduction="add"), None]


def top_k(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """To the elements that were chosen."""
    (g, _), (x, _), (_, indices) = cotangents, node.inputs, node.outputs
    return [scatter_add(tape, tape.shape(x), indices, g, node.attributes.get_int("axis", -1)), None]


RULES: dict[str, Pullback] = {
    "Gather": gather,
    "GatherElements": gather_elements,
    "GatherND": gather_nd,
    "TopK": top_k,
}

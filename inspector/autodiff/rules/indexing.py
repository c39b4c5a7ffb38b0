"""Operators that pick elements by indices which are themselves tensors."""

from __future__ import annotations

import onnx_ir as ir

from inspector.autodiff.rules.movement import rearranged
from inspector.autodiff.scatter import scatter_add
from inspector.autodiff.tape import Pullback, Tape, Values
from inspector.errors import NotDifferentiable


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
    wide = tape.widened(g)
    return [tape.ScatterND(tape.zeros(tape.shape(x), wide), indices, wide, reduction="add"), None]


def scatter_elements(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (_, indices, updates) = cotangents, node.inputs
    axis = node.attributes.get_int("axis", 0)
    g_updates = tape.GatherElements(g, indices, axis=axis)
    if _adds(node):
        return [g, None, g_updates]
    return [tape.ScatterElements(g, indices, tape.zeros_like(updates), axis=axis), None, g_updates]


def scatter_nd(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (_, indices, updates) = cotangents, node.inputs
    g_updates = tape.GatherND(g, indices)
    if _adds(node):
        return [g, None, g_updates]
    return [tape.ScatterND(g, indices, tape.zeros_like(updates)), None, g_updates]


def _adds(node: ir.Node) -> bool:
    """Whether updates add to what is there; otherwise they replace it, and no place is updated twice."""
    reduction = node.attributes.get_string("reduction", "none")
    if reduction in ("none", "add"):
        return reduction == "add"
    raise NotDifferentiable(
        f"no derivative for operator {node.op_type} (node {node.name!r}) with reduction={reduction}: "
        "only replacing and adding have a rule"
    )


def top_k(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """To the elements that were chosen."""
    (g, _), (x, _), (_, indices) = cotangents, node.inputs, node.outputs
    return [scatter_add(tape, tape.shape(x), indices, g, node.attributes.get_int("axis", -1)), None]


RULES: dict[str, Pullback] = {
    "Gather": gather,
    "GatherElements": gather_elements,
    "GatherND": gather_nd,
    "ScatterElements": scatter_elements,
    "ScatterND": scatter_nd,
    "TopK": top_k,
}

"""Operators that move elements and change none: their pullback moves them back.

Where several results come from one element, their cotangents add up (`put_back`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from inspector.autodiff.blocked import of_one_batch
from inspector.autodiff.scatter import put_back
from inspector.autodiff.sizes import Size, count, maximum, minimum
from inspector.autodiff.tape import Operand, Pullback, Tape, Values

# --- same elements, other shape --------------------------------------------------------------------------


def reshape(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Reshape, Flatten, Squeeze, Unsqueeze: the order of the elements stays."""
    (g,), (x, *rest) = cotangents, node.inputs
    same = tape.reshape_like(g, x)
    return [same if x is None else of_one_batch(tape, same, x), *([None] * len(rest))]


def expand(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """The engine sums what was repeated."""
    return [*cotangents, None]


def transpose(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,) = cotangents
    perm = node.attributes.get_ints("perm")
    if perm is None:
        return [tape.Transpose(g)]
    return [tape.Transpose(g, perm=[perm.index(axis) for axis in range(len(perm))])]


def depth_to_space(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), block = cotangents, node.attributes["blocksize"].as_int()
    if node.attributes.get_string("mode", "DCR") == "DCR":
        return [tape.SpaceToDepth(g, blocksize=block)]
    # CRD keeps the channel outermost: split both spatial axes, bring the two offsets behind the channel
    (x,) = node.inputs
    n, c, h, w = tape.sizes(x)
    six = tape.Reshape(g, [n, c // (block * block), h, block, w, block])
    return [tape.reshape_like(tape.Transpose(six, perm=[0, 1, 3, 5, 2, 4]), x)]


def space_to_depth(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    mode = node.attributes.get_string("mode", "DCR")
    return [tape.DepthToSpace(*cotangents, blocksize=node.attributes["blocksize"].as_int(), mode=mode)]


# --- pieces ----------------------------------------------------------------------------------------------


def concat(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), axis = cotangents, node.attributes["axis"].as_int()
    parts = [tape.size(x, axis) for x in node.inputs if x is not None]
    return tape.op("Split", g, parts, axis=axis, outputs=len(parts)) if len(parts) > 1 else [g]


def split(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    pieces = [
        tape.zeros_like(piece) if g is None else g for g, piece in zip(cotangents, node.outputs, strict=True)
    ]
    joined = tape.Concat(*pieces, axis=node.attributes.get_int("axis", 0))
    return [joined, *([None] * (len(node.inputs) - 1))]


def slice_(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """With steps of 1, pad with zeros what was cut off; otherwise put each element back."""
    (g,), (x, *parameters) = cotangents, node.inputs
    starts, ends, axes, steps = [*parameters, None, None][:4]
    known = tape.known(steps)
    bounds = _known_bounds(tape, parameters)
    if steps is not None and (known is None or (known != 1).any()):
        gx = put_back(tape, x, g, lambda positions: tape.Slice(positions, *parameters))
    elif bounds is None or x is None or x.shape is None:
        gx = _widened(tape, g, x, starts, ends, axes)
    else:
        before: list[Size] = [0] * tape.rank(x)
        after: list[Size] = [0] * tape.rank(x)
        for axis, start, end in bounds:
            size = tape.size(x, axis)
            first = _clamped(start, size)
            before[axis], after[axis] = first, size - maximum(first, _clamped(end, size))
        gx = tape.Pad(g, [*before, *after])
    return [gx, *([None] * len(parameters))]


def _widened(tape: Tape, g: Operand, x: Operand, starts: Operand, ends: Operand, axes: Operand) -> ir.Value:
    """`g` with zeros where `x` was cut off, by bounds or of a rank that only a run knows."""
    whole = ir.DataType.INT64
    first, last = tape.cast(starts, whole), tape.cast(ends, whole)
    along = tape.Range(0, tape.Size(starts), 1) if axes is None else tape.cast(axes, whole)
    sizes = tape.Gather(tape.shape(x), along)

    def clamped(bound: ir.Value) -> ir.Value:
        from_the_end = tape.Where(tape.Less(bound, 0), tape.Add(bound, sizes), bound)
        return tape.Min(tape.Max(from_the_end, 0), sizes)

    before = clamped(first)
    after = tape.Sub(sizes, tape.Max(before, clamped(last)))
    return tape.Pad(g, tape.Concat(*(_of_all(tape, x, along, each) for each in (before, after)), axis=0))


def _of_all(tape: Tape, x: Operand, axes: Operand, widths: ir.Value) -> ir.Value:
    """Widths of some axes of `x` as widths of all.

    (onnxruntime moves transpositions through a Pad as if it had no axes.)
    """
    sizes = tape.shape(x)
    return tape.ScatterElements(tape.zeros_like(sizes), axes, widths)


def _known_bounds(tape: Tape, parameters: Sequence[Operand]) -> list[tuple[int, int, int]] | None:
    """(axis, start, end) of each axis sliced; None where only a run can tell."""
    if any(parameter is not None and tape.known(parameter) is None for parameter in parameters):
        return None
    starts, ends, axes = (tape.known(each) for each in [*parameters, None][:3])
    if starts is None or ends is None:
        return None
    along = np.arange(len(starts)) if axes is None else axes
    return [(int(axis), int(start), int(end)) for axis, start, end in zip(along, starts, ends, strict=True)]


def _clamped(position: int, size: Size) -> Size:
    """Where a start or end of a Slice with a positive step lands on an axis of this size."""
    if position >= 2**31 - 1:
        return size
    return maximum(size + position, 0) if position < 0 else minimum(position, size)


def pad(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Crop what was padded, and pad what was cropped: the same operator with widths of the other sign.

    A constant border gives its cotangents to the constant, a copied one to what it was copied from.
    """
    (g,), (x, pads, constant, axes) = cotangents, [*node.inputs, None, None][:4]
    mode = node.attributes.get_string("mode", "constant")
    widths, places = tape.known(pads), tape.known(axes)
    if mode != "constant":
        if axes is not None and places is None:
            gx = put_back(tape, x, g, lambda positions: tape.Pad(positions, pads, None, axes, mode=mode))
        else:
            every = range(tape.rank(x)) if places is None else [int(axis) for axis in places]
            gx = _folded(tape, g, x, pads, every, mode)
    else:
        other_sign = tape.Neg(pads) if widths is None else tape.constant(-widths)
        if axes is not None:
            along = tape.cast(axes, ir.DataType.INT64)
            halves = tape.op("Split", other_sign, num_outputs=2, outputs=2)
            other_sign = tape.Concat(*(_of_all(tape, x, along, half) for half in halves), axis=0)
        gx = tape.Pad(g, other_sign)
    gc = None
    if constant is not None:
        gc = tape.reshape_like(tape.Sub(tape.ReduceSum(g), tape.ReduceSum(gx)), constant)
    return [gx, None, gc, None][: len(node.inputs)]


def _folded(tape: Tape, g: Operand, x: Operand, pads: Operand, axes: Sequence[int], mode: str) -> ir.Value:
    """`g` with every border added to what it was copied from, one axis after the other.

    Padding the positions along an axis tells where each of its slices came from.
    """
    rank, widths = tape.rank(x), tape.known(pads)
    total = tape.widened(g)
    for place, axis in enumerate(axes):
        ends = [place, len(axes) + place]
        if widths is not None and not widths[ends].any():
            continue
        origins = tape.Pad(
            count(tape, tape.size(x, axis)), tape.Gather(pads, tape.constant(np.array(ends))), mode=mode
        )
        order = [axis % rank, *(other for other in range(rank) if other != axis % rank)]
        front = tape.Transpose(total, perm=order)
        shape = tape.Concat([tape.size(x, axis)], tape.Shape(front, start=1), axis=0)
        summed = tape.ScatterND(
            tape.zeros(shape, front), tape.Unsqueeze(origins, [1]), front, reduction="add"
        )
        total = tape.Transpose(summed, perm=[order.index(each) for each in range(rank)])
    return total


# --- copies ----------------------------------------------------------------------------------------------


def tile(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Give every repeat an axis of its own and sum over it."""
    (g,), (x, repeats) = cotangents, node.inputs
    axes = list(range(0, 2 * tape.rank(x), 2))
    pairs = tape.Concat(tape.Unsqueeze(repeats, [1]), tape.Unsqueeze(tape.shape(x), [1]), axis=1)
    return [tape.ReduceSum(tape.Reshape(g, tape.Reshape(pairs, [-1])), axes, keepdims=0), None]


def rearranged(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Any operator that only moves elements of its first input: it shows on their positions what it does."""
    (g,), (x, *rest) = cotangents, node.inputs
    attributes = {name: attribute.value for name, attribute in node.attributes.items()}
    gx = put_back(tape, x, g, lambda positions: tape.op(node.op_type, positions, *rest, **attributes)[0])
    return [gx, *([None] * len(rest))]


def trilu(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (_, *k) = cotangents, node.inputs
    return [tape.Trilu(g, *k, upper=node.attributes.get_int("upper", 1)), *([None] * len(k))]


RULES: dict[str, Pullback] = {
    "Compress": rearranged,
    "Concat": concat,
    "DepthToSpace": depth_to_space,
    "Expand": expand,
    "Flatten": reshape,
    "Pad": pad,
    "Reshape": reshape,
    "ReverseSequence": rearranged,
    "Slice": slice_,
    "SpaceToDepth": space_to_depth,
    "Split": split,
    "Squeeze": reshape,
    "Tile": tile,
    "Transpose": transpose,
    "Trilu": trilu,
    "Unsqueeze": reshape,
}

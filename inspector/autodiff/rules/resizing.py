"""Resize: linear in its input, one axis after the other, whatever the mode."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from inspector.autodiff.sizes import Size
from inspector.autodiff.tape import Operand, Pullback, Tape, Values
from inspector.errors import NotDifferentiable


def resize(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Along each axis the operator is a matrix, which it shows when it resizes the unit matrix.

    The pullback multiplies by its transpose. So nearest, linear and cubic, every coordinate
    transformation, cropping and antialiasing are one rule, which follows what the runtime does.
    """
    (g,), (x, *parameters) = cotangents, node.inputs
    roi, scales, sizes = [*parameters, None, None, None][:3]
    _refuse_what_moves_the_places(tape, node, roi, scales)
    rank = tape.rank(x)
    axes = [axis % rank for axis in node.attributes.get_ints("axes") or range(rank)]
    keeps_ratio = sizes is not None and _policy(node) != "stretch"
    known = tape.known(scales)
    pulled: Operand = tape.widened(g)
    for place, axis in enumerate(axes):
        before, after = tape.size(x, axis), tape.size(node.outputs[0], axis)
        if known is not None and known.size:
            stays = known[place] == 1
        else:
            stays = isinstance(before, int) and before == after and not keeps_ratio
        if stays:
            continue
        if keeps_ratio:
            scale = _common_scale(tape, node, x, axes, sizes)
            matrix = _matrix_by_scale(tape, node, before, after, scale, pulled)
        else:
            # (files give others, even empty ones, where there is nothing to crop)
            crop = tape.widened(_pick(tape, roi, [place, len(axes) + place])) if _crops(node) else None
            by_size = sizes is not None
            # (onnxruntime's inference of shapes takes an entry of sizes that only a run knows for none)
            amount = tape.ints([after]) if by_size else _pick(tape, scales, [place])
            matrix = _matrix(tape, node, _unit(tape, before, pulled), crop, amount, by_size=by_size)
        pulled = _along(tape, pulled, matrix, axis, rank)
    return [pulled, *([None] * len(parameters))]


def _unit(tape: Tape, size: Size, like: Operand) -> ir.Value:
    return tape.EyeLike(tape.zeros(tape.ints([size, size]), like))


def _matrix(
    tape: Tape, node: ir.Node, unit: ir.Value, crop: ir.Value | None, amount: ir.Value, *, by_size: bool
) -> ir.Value:
    """What the node makes of the rows of `unit` (rows, columns) by one scale or to one size."""
    # as an image: onnxruntime's cubic kernel takes nothing else
    image = tape.Unsqueeze(unit, [0, 1])
    changed = ("axes", "extrapolation_value", "keep_aspect_ratio_policy")
    kept = {name: each.value for name, each in node.attributes.items() if name not in changed}
    scale, size = (None, amount) if by_size else (amount, None)
    return tape.Squeeze(tape.Resize(image, crop, scale, size, axes=[2], **kept), [0, 1])


def _matrix_by_scale(
    tape: Tape, node: ir.Node, before: Size, after: Size, scale: ir.Value, like: Operand
) -> ir.Value:
    """The matrix where `after` is not what `scale` makes of `before`, but the whole number nearest to it."""
    if node.attributes.get_string("coordinate_transformation_mode") == "align_corners":
        # only the sizes count
        return _matrix(tape, node, _unit(tape, before, like), None, tape.ints([after]), by_size=True)
    # room for one result more: behind the edge lies what lies at the edge
    room = tape.Pad(_unit(tape, before, like), [0, 0, before // after + 2, 0], mode="edge")
    return tape.Slice(_matrix(tape, node, room, None, scale, by_size=False), [0], [after], [0])


def _common_scale(tape: Tape, node: ir.Node, x: Operand, axes: list[int], sizes: Operand) -> ir.Value:
    """The scale of all axes where the image keeps its proportions."""
    single = ir.DataType.FLOAT
    before = tape.cast(tape.ints([tape.size(x, axis) for axis in axes]), single)
    ratios = tape.Div(tape.cast(sizes, single), before)
    return tape.ReduceMin(ratios) if _policy(node) == "not_larger" else tape.ReduceMax(ratios)


def _pick(tape: Tape, vector: Operand, places: list[int]) -> ir.Value:
    return tape.Gather(vector, tape.constant(np.array(places)))


def _along(tape: Tape, g: Operand, matrix: ir.Value, axis: int, rank: int) -> ir.Value:
    """`g` with its `axis` multiplied by the transpose of `matrix`."""
    if axis == rank - 2:
        return tape.MatMul(tape.Transpose(matrix, perm=[1, 0]), g)
    if axis == rank - 1:
        return tape.MatMul(g, matrix)
    perm = [*(other for other in range(rank) if other != axis), axis]
    moved = tape.MatMul(tape.Transpose(g, perm=perm), matrix)
    return tape.Transpose(moved, perm=[perm.index(each) for each in range(rank)])


def _crops(node: ir.Node) -> bool:
    return node.attributes.get_string("coordinate_transformation_mode") == "tf_crop_and_resize"


def _policy(node: ir.Node) -> str:
    return node.attributes.get_string("keep_aspect_ratio_policy", "stretch")


def _refuse_what_moves_the_places(tape: Tape, node: ir.Node, roi: Operand, scales: Operand) -> None:
    """And what has the edges of the image count while its proportions are kept."""
    transformation = node.attributes.get_string("coordinate_transformation_mode", "half_pixel")
    if tape.wants(scales) or (tape.wants(roi) and _crops(node)):
        raise NotDifferentiable(
            f"no derivative for operator Resize (node {node.name!r}) by its scales or its region: "
            "only by its image"
        )
    edges = node.attributes.get_int("antialias", 0) or node.attributes.get_int("exclude_outside", 0)
    if _policy(node) != "stretch" and (
        edges or transformation in ("half_pixel_symmetric", "tf_crop_and_resize")
    ):
        raise NotDifferentiable(
            f"no derivative for operator Resize (node {node.name!r}) with {_policy(node)} beside {transformation}, "
            "antialias or exclude_outside: write the sizes that come out, and the policy stretch"
        )


RULES: dict[str, Pullback] = {
    "Resize": resize,
}

"""Resize: linear in its input, one axis after the other, whatever the mode."""

from __future__ import annotations

import onnx_ir as ir

from inspector.autodiff.sizes import Size
from inspector.autodiff.tape import Operand, Pullback, Tape, Values
from inspector.errors import NotDifferentiable


def resize(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Along each axis the operator is a matrix, which it shows when it resizes the unit matrix.

    The pullback multiplies by its transpose. So nearest, linear and cubic, every coordinate
    transformation and antialiasing are one rule, which follows what the runtime does.
    """
    (g,), (x, *parameters) = cotangents, node.inputs
    _, scales, sizes = [*parameters, None, None, None][:3]
    _refuse_what_is_not_linear(node)
    rank = tape.rank(x)
    axes = [axis % rank for axis in node.attributes.get_ints("axes") or range(rank)]
    known = tape.known(scales)
    for place, axis in enumerate(axes):
        before, after = tape.size(x, axis), tape.size(node.outputs[0], axis)
        stays = (
            known[place] == 1
            if known is not None and known.size
            else isinstance(before, int) and before == after
        )
        if not stays:
            matrix = _matrix(tape, node, place, before, scales, sizes, g)
            g = _along(tape, g, matrix, axis, rank)
    return [g, *([None] * len(parameters))]


def _matrix(
    tape: Tape, node: ir.Node, place: int, size: Size, scales: Operand, sizes: Operand, like: Operand
) -> ir.Value:
    """The matrix (new size, size) of the axis at `place` among those resized."""
    unit = tape.EyeLike(tape.zeros(tape.ints([size, size]), like))
    # as an image: onnxruntime's cubic kernel takes nothing else
    image = tape.Unsqueeze(unit, [0, 1])
    kept = {name: each.value for name, each in node.attributes.items() if name != "axes"}
    scale = None if sizes is not None else tape.Slice(scales, [place], [place + 1])
    new_size = None if sizes is None else tape.Slice(sizes, [place], [place + 1])
    return tape.Squeeze(tape.Resize(image, None, scale, new_size, axes=[2], **kept), [0, 1])


def _along(tape: Tape, g: Operand, matrix: ir.Value, axis: int, rank: int) -> ir.Value:
    """`g` with its `axis` multiplied by the transpose of `matrix`."""
    if axis == rank - 2:
        return tape.MatMul(tape.Transpose(matrix, perm=[1, 0]), g)
    if axis == rank - 1:
        return tape.MatMul(g, matrix)
    perm = [*(other for other in range(rank) if other != axis), axis]
    moved = tape.MatMul(tape.Transpose(g, perm=perm), matrix)
    return tape.Transpose(moved, perm=[perm.index(each) for each in range(rank)])


def _refuse_what_is_not_linear(node: ir.Node) -> None:
    policy = node.attributes.get_string("keep_aspect_ratio_policy", "stretch")
    transformation = node.attributes.get_string("coordinate_transformation_mode", "half_pixel")
    if policy != "stretch" or transformation == "tf_crop_and_resize":
        raise NotDifferentiable(
            f"no derivative for operator Resize (node {node.name!r}) with {policy}, {transformation}: "
            "only resizing of the whole image, by scales or to sizes, has a rule"
        )


RULES: dict[str, Pullback] = {
    "Resize": resize,
}

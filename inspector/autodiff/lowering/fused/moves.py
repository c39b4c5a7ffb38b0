"""Operators that the standard took over later, or has under another name."""

from __future__ import annotations

from typing import Any

import onnx_ir as ir

from inspector.autodiff.lowering.scope import Scope
from inspector.autodiff.tape import Operand

__all__ = ["LOWERINGS"]


def same(scope: Scope, node: ir.Node) -> list[Operand]:
    """The operator of the same name in the standard."""
    attributes: dict[str, Any] = dict(node.attributes)
    return list(scope.op(node.op_type, *node.inputs, outputs=len(node.outputs), **attributes))


def expand_dims(scope: Scope, node: ir.Node) -> list[Operand]:
    """Unsqueeze."""
    x, axis = node.inputs
    return [scope.Unsqueeze(x, scope.Reshape(scope.cast(axis, ir.DataType.INT64), [1]))]


def pad(scope: Scope, node: ir.Node) -> list[Operand]:
    """Pad; the amounts may be a matrix of one row, and the value a vector of one."""
    x, pads, value = (*node.inputs, None)[:3]
    fill = None if value is None else scope.Reshape(value, [])
    return [
        scope.Pad(x, scope.Reshape(pads, [-1]), fill, mode=node.attributes.get_string("mode", "constant"))
    ]


def grid_sample(scope: Scope, node: ir.Node) -> list[Operand]:
    """GridSample, whose modes have had other names since opset 20."""
    x, grid = node.inputs
    mode = node.attributes.get_string("mode", "bilinear")
    if scope.opsets.get("", 0) >= 20:
        mode = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    padding = node.attributes.get_string("padding_mode", "zeros")
    aligned = node.attributes.get_int("align_corners", 0)
    return [scope.GridSample(x, grid, mode=mode, padding_mode=padding, align_corners=aligned)]


def crop_and_resize(scope: Scope, node: ir.Node) -> list[Operand]:
    """Each box sampled at a grid whose corners are its corners (TensorFlow's crop_and_resize)."""
    x, boxes, images, size = node.inputs
    each = scope.Gather(x, images, axis=0)
    sides = [_places(scope, boxes, scope.Gather(size, side), side) for side in (0, 1)]
    rows, columns = scope.Unsqueeze(sides[0], [2]), scope.Unsqueeze(sides[1], [1])
    shape = scope.Concat(scope.Shape(boxes, end=1), scope.cast(size, ir.DataType.INT64), axis=0)
    grid = scope.Concat(
        *(scope.Unsqueeze(scope.Expand(part, shape), [3]) for part in (columns, rows)), axis=3
    )
    mode = "nearest" if node.attributes.get_string("mode", "bilinear") == "nearest" else "bilinear"
    if mode == "bilinear" and scope.opsets.get("", 0) >= 20:
        mode = "linear"
    sampled = scope.GridSample(each, grid, mode=mode, padding_mode="border", align_corners=1)
    outside = scope.ReduceMax(scope.Abs(grid), [3], keepdims=0)
    beyond = scope.Greater(scope.Unsqueeze(outside, [1]), 1)
    return [scope.Where(beyond, node.attributes.get_float("extrapolation_value", 0.0), sampled)]


def _places(scope: Scope, boxes: Operand, count: Operand, side: int) -> ir.Value:
    """Where along one side the samples of each box lie, from -1 to 1 over the image: (boxes, count).

    A single sample lies in the middle.
    """
    start, stop = (scope.Gather(boxes, scope.ints([at]), axis=1) for at in (side, side + 2))
    number = scope.cast(count, ir.DataType.INT64)
    single = scope.cast_like(scope.Equal(number, 1), start)
    steps = scope.cast_like(scope.Range(0, number, 1), start)
    last = scope.cast_like(scope.Max(scope.Sub(number, 1), 1), start)
    along = scope.Div(scope.Add(steps, scope.Mul(single, 0.5)), last)
    inside = scope.Add(start, scope.Mul(scope.Sub(stop, start), scope.Unsqueeze(along, [0])))
    return scope.Sub(scope.Mul(inside, 2), 1)


def complex_mul(scope: Scope, node: ir.Node) -> list[Operand]:
    """(a + bi)(c + di), or with the second number conjugated; the parts lie along the last axis."""
    x, y = node.inputs
    a, b = scope.op("Split", x, outputs=2, axis=-1, num_outputs=2)
    c, d = scope.op("Split", y, outputs=2, axis=-1, num_outputs=2)
    if node.op_type.endswith("Conj"):
        d = scope.Neg(d)
    real = scope.Sub(scope.Mul(a, c), scope.Mul(b, d))
    return [scope.Concat(real, scope.Add(scope.Mul(a, d), scope.Mul(b, c)), axis=-1)]


LOWERINGS = {
    ("com.microsoft", "ComplexMul"): complex_mul,
    ("com.microsoft", "ComplexMulConj"): complex_mul,
    ("com.microsoft", "CropAndResize"): crop_and_resize,
    ("com.microsoft", "ExpandDims"): expand_dims,
    ("com.microsoft", "GatherND"): same,
    ("com.microsoft", "GridSample"): grid_sample,
    ("com.microsoft", "Pad"): pad,
    ("com.microsoft", "Range"): same,
    ("com.microsoft", "Trilu"): same,
}

"""Element-wise operators, pooling and the like from integers to integers: the float operator between two scales."""

from __future__ import annotations

from typing import Any

import onnx_ir as ir

from inspector.autodiff.lowering.layout import channels_first, channels_last
from inspector.autodiff.lowering.saturation import stored
from inspector.autodiff.lowering.scope import Scope, Units, element_type
from inspector.autodiff.tape import Operand

__all__ = ["LOWERINGS"]


def binary(scope: Scope, node: ir.Node) -> list[Operand]:
    """The sum or the product of what the integers mean, saturated."""
    a, a_scale, a_zero, b, b_scale, b_zero, scale, zero = (*node.inputs, None)[:8]
    left, right = scope.real(a, Units(a_scale, a_zero)), scope.real(b, Units(b_scale, b_zero))
    (result,) = scope.op(node.op_type.removeprefix("QLinear"), left, right)
    return [_kept(scope, node, result, scale, zero, a)]


def unary(scope: Scope, node: ir.Node) -> list[Operand]:
    """The activation of what the integers mean, saturated."""
    x, x_scale, x_zero, scale, zero = (*node.inputs, None)[:5]
    attributes: dict[str, Any] = dict(node.attributes)
    (result,) = scope.op(
        node.op_type.removeprefix("QLinear"), scope.real(x, Units(x_scale, x_zero)), **attributes
    )
    return [_kept(scope, node, result, scale, zero, x)]


def softmax(scope: Scope, node: ir.Node) -> list[Operand]:
    """Before opset 13 the axes from `axis` on are taken together."""
    x, x_scale, x_zero, scale, zero = (*node.inputs, None)[:5]
    real = scope.real(x, Units(x_scale, x_zero))
    if node.attributes.get_int("opset", 13) >= 13:
        result = scope.Softmax(real, axis=node.attributes.get_int("axis", -1))
    else:
        flat = scope.Flatten(real, axis=node.attributes.get_int("axis", 1))
        result = scope.reshape_like(scope.Softmax(flat, axis=-1), real)
    return [_kept(scope, node, result, scale, zero, x)]


def global_average_pool(scope: Scope, node: ir.Node) -> list[Operand]:
    """The mean of what the integers mean, saturated."""
    x, x_scale, x_zero, scale, zero = (*node.inputs, None)[:5]
    real = scope.real(x, Units(x_scale, x_zero))
    if node.attributes.get_int("channels_last", 0):
        result = scope.ReduceMean(real, list(range(1, scope.rank(real) - 1)), keepdims=1)
    else:
        result = scope.GlobalAveragePool(real)
    return [_kept(scope, node, result, scale, zero, x)]


def average_pool(scope: Scope, node: ir.Node) -> list[Operand]:
    """The means of what the integers mean, saturated."""
    x, x_scale, x_zero, scale, zero = (*node.inputs, None)[:5]
    attributes: dict[str, Any] = {
        key: value for key, value in node.attributes.items() if key != "channels_last"
    }
    real = scope.real(x, Units(x_scale, x_zero))
    if node.attributes.get_int("channels_last", 0):
        result = channels_last(scope, scope.AveragePool(channels_first(scope, real), **attributes))
    else:
        result = scope.AveragePool(real, **attributes)
    return [_kept(scope, node, result, scale, zero, x)]


def reduce_mean(scope: Scope, node: ir.Node) -> list[Operand]:
    """The mean of what the integers mean, saturated."""
    x, x_scale, x_zero, scale, zero = (*node.inputs, None, None)[:5]
    real = scope.real(x, Units(x_scale, x_zero))
    axes = node.attributes.get_ints("axes")
    result = scope.ReduceMean(
        real, list(axes) if axes else None, keepdims=node.attributes.get_int("keepdims", 1)
    )
    return [_kept(scope, node, result, scale, zero, x)]


def concat(scope: Scope, node: ir.Node) -> list[Operand]:
    """What the integers mean, each part in its own units, saturated at the range of the result."""
    scale, zero, *rest = node.inputs
    parts = [
        scope.real(rest[at], Units(rest[at + 1], rest[at + 2]))
        for at in range(0, len(rest) - len(rest) % 3, 3)
    ]
    result = scope.Concat(*parts, axis=node.attributes.get_int("axis", 1))
    return [_kept(scope, node, result, scale, zero, rest[0])]


def where(scope: Scope, node: ir.Node) -> list[Operand]:
    """A choice between what the integers mean, saturated."""
    condition, x, x_scale, x_zero, y, y_scale, y_zero, scale, zero = node.inputs
    result = scope.Where(
        condition, scope.real(x, Units(x_scale, x_zero)), scope.real(y, Units(y_scale, y_zero))
    )
    return [_kept(scope, node, result, scale, zero, x)]


def _kept(
    scope: Scope, node: ir.Node, result: ir.Value, scale: Operand, zero: Operand, first: Operand
) -> ir.Value:
    """The result as the file keeps it; its element type is that of its zero point, else of the first input."""
    dtype = element_type(zero) or element_type(node.outputs[0])
    if dtype is None and not scope.stands_for_integers(first):
        dtype = element_type(first)
    return stored(scope, result, Units(scale, zero), dtype)


LOWERINGS = {
    ("com.microsoft", "QLinearAdd"): binary,
    ("com.microsoft", "QLinearAveragePool"): average_pool,
    ("com.microsoft", "QLinearConcat"): concat,
    ("com.microsoft", "QLinearGlobalAveragePool"): global_average_pool,
    ("com.microsoft", "QLinearLeakyRelu"): unary,
    ("com.microsoft", "QLinearMul"): binary,
    ("com.microsoft", "QLinearReduceMean"): reduce_mean,
    ("com.microsoft", "QLinearSigmoid"): unary,
    ("com.microsoft", "QLinearSoftmax"): softmax,
    ("com.microsoft", "QLinearWhere"): where,
}

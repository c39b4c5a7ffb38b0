"""Convolutions and matrix products of integers."""

from __future__ import annotations

from typing import Any

import onnx_ir as ir

from inspector.autodiff.lowering.layout import channels_first, channels_last
from inspector.autodiff.lowering.saturation import stored
from inspector.autodiff.lowering.scope import INTEGER, Scope, Units, element_type
from inspector.autodiff.tape import Operand

__all__ = ["LOWERINGS"]

ROWS, COLUMNS = -2, -1


def conv(scope: Scope, x: ir.Value, w: ir.Value, bias: Operand, node: ir.Node) -> ir.Value:
    """The convolution that `node` makes of `x` and `w`, channels last where it says so."""
    attributes: dict[str, Any] = dict(node.attributes)
    attributes.pop("channels_last", None)
    if not node.attributes.get_int("channels_last", 0):
        return scope.Conv(x, w, bias, **attributes)
    return channels_last(scope, scope.Conv(channels_first(scope, x), w, bias, **attributes))


def qlinear_conv(scope: Scope, node: ir.Node) -> list[Operand]:
    """The convolution of what the integers mean, saturated (where a fused ReLU lives)."""
    x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias = (*node.inputs, None)[:9]
    image = scope.real(x, Units(x_scale, x_zero))
    kernel = scope.real(w, Units(w_scale, w_zero, axis=0))
    added = None if bias is None else scope.Mul(scope.integers(bias), scope.Mul(x_scale, w_scale))
    result = conv(scope, image, kernel, added, node)
    return [stored(scope, result, Units(y_scale, y_zero), element_type(y_zero))]


def qlinear_matmul(scope: Scope, node: ir.Node) -> list[Operand]:
    """The product of what the integers mean, saturated."""
    a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero = node.inputs
    left = scope.real(a, Units(a_scale, a_zero, ROWS))
    right = scope.real(b, Units(b_scale, b_zero, COLUMNS))
    return [stored(scope, scope.MatMul(left, right), Units(y_scale, y_zero, ROWS), element_type(y_zero))]


def conv_integer(scope: Scope, node: ir.Node) -> list[Operand]:
    """The convolution of the numbers beyond their zero points; nothing saturates in 32 bits."""
    x, w, x_zero, w_zero = (*node.inputs, None, None)[:4]
    image = scope.real(x, Units(None, x_zero))
    kernel = scope.real(w, Units(None, w_zero, axis=0))
    return [scope.as_integers(conv(scope, image, kernel, None, node), INTEGER)]


def matmul_integer(scope: Scope, node: ir.Node) -> list[Operand]:
    """The product of the numbers beyond their zero points; nothing saturates in 32 bits."""
    a, b, a_zero, b_zero = (*node.inputs, None, None)[:4]
    left = scope.real(a, Units(None, a_zero, ROWS))
    right = scope.real(b, Units(None, b_zero, COLUMNS))
    return [scope.as_integers(scope.MatMul(left, right), INTEGER)]


LOWERINGS = {
    ("", "QLinearConv"): qlinear_conv,
    ("", "QLinearMatMul"): qlinear_matmul,
    ("", "ConvInteger"): conv_integer,
    ("", "MatMulInteger"): matmul_integer,
    ("com.microsoft", "QLinearConv"): qlinear_conv,
}

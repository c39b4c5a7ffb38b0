"""Convolutions and matrix products fused with what stands before and behind them."""

from __future__ import annotations

from typing import Any

import onnx_ir as ir

from inspector.autodiff.lowering.fused.activations import activate, known_activation, tanh_gelu
from inspector.autodiff.lowering.layout import channels_first, channels_last
from inspector.autodiff.lowering.scope import Scope
from inspector.autodiff.tape import Operand

__all__ = ["LOWERINGS"]


def fused_conv(scope: Scope, node: ir.Node) -> list[Operand] | None:
    """A convolution, plus Z, and an activation."""
    x, w, bias, z = (*node.inputs, None, None)[:4]
    return _finished(scope, node, scope.Conv(x, w, bias, **_own_attributes(node)), z)


def nhwc_conv(scope: Scope, node: ir.Node) -> list[Operand] | None:
    """The same, channels last but for the weights."""
    x, w, bias, z = (*node.inputs, None, None)[:4]
    result = scope.Conv(channels_first(scope, x), w, bias, **_own_attributes(node))
    return _finished(scope, node, channels_last(scope, result), z)


def conv_transpose_with_dynamic_pads(scope: Scope, node: ir.Node) -> list[Operand] | None:
    """All of the transposed convolution, and the padding cut off."""
    x, w, pads, bias = (*node.inputs, None, None)[:4]
    if node.attributes.get_string("auto_pad", "NOTSET") != "NOTSET":
        return None
    full = scope.ConvTranspose(x, w, bias, **_own_attributes(node))
    if pads is None:
        return [full]
    spatial = scope.rank(full) - 2
    axes = list(range(2, spatial + 2))
    begin, end = (scope.Slice(pads, [start], [start + spatial], [0]) for start in (0, spatial))
    sizes = scope.ints(scope.size(full, axis) for axis in axes)
    return [scope.Slice(full, begin, scope.Sub(sizes, end), axes)]


def fused_gemm(scope: Scope, node: ir.Node) -> list[Operand] | None:
    """Gemm and an activation."""
    a, b, c = (*node.inputs, None)[:3]
    return _finished(scope, node, scope.Gemm(a, b, c, **_own_attributes(node)))


def gemm_fast_gelu(scope: Scope, node: ir.Node) -> list[Operand]:
    """A matrix product, a bias, and Gelu approximated by tanh."""
    a, b, bias = (*node.inputs, None)[:3]
    result = scope.MatMul(a, b)
    return [tanh_gelu(scope, result if bias is None else scope.Add(result, bias))]


def fused_matmul(scope: Scope, node: ir.Node) -> list[Operand] | None:
    """The product alpha * A B, either transposed, and an activation."""
    a, b = node.inputs
    left, right = (_turned(scope, value, node, side) for value, side in ((a, "A"), (b, "B")))
    result = scope.MatMul(left, right)
    alpha = node.attributes.get_float("alpha", 1.0)
    return _finished(scope, node, result if alpha == 1 else scope.Mul(result, alpha))


def _turned(scope: Scope, value: Operand, node: ir.Node, side: str) -> Operand:
    """`value` as its `trans` and `transBatch` have it: the first axis moved before the last; the last two exchanged."""
    if not (node.attributes.get_int(f"transBatch{side}", 0) or node.attributes.get_int(f"trans{side}", 0)):
        return value
    rank = scope.rank(value)
    if rank < 2:
        return value
    order = list(range(rank))
    if node.attributes.get_int(f"transBatch{side}", 0):
        order = [*order[1:-1], order[0], order[-1]]
    if node.attributes.get_int(f"trans{side}", 0):
        order[-2:] = order[:-3:-1]
    return scope.Transpose(value, perm=order)


def _finished(scope: Scope, node: ir.Node, result: ir.Value, z: Operand = None) -> list[Operand] | None:
    """`result` plus Z, and the activation that `node` names; None where that is not known."""
    name = node.attributes.get_string("activation", "")
    if not known_activation(name):
        return None
    return [activate(scope, result if z is None else scope.Add(result, z), name, _parameters(node))]


def _own_attributes(node: ir.Node) -> dict[str, Any]:
    """Those of the operator, without those of the activation behind it."""
    return {key: value for key, value in node.attributes.items() if not key.startswith("activation")}


def _parameters(node: ir.Node) -> list[float]:
    listed = node.attributes.get_floats("activation_params")
    if listed:
        return list(listed)
    named = (node.attributes.get_float(f"activation_{letter}") for letter in ("alpha", "beta", "gamma"))
    return [value for value in named if value is not None]


LOWERINGS = {
    ("com.microsoft", "ConvTransposeWithDynamicPads"): conv_transpose_with_dynamic_pads,
    ("com.microsoft", "FusedConv"): fused_conv,
    ("com.microsoft", "FusedGemm"): fused_gemm,
    ("com.microsoft", "FusedMatMul"): fused_matmul,
    ("com.microsoft", "FusedMatMulActivation"): fused_matmul,
    ("com.microsoft", "GemmFastGelu"): gemm_fast_gelu,
    ("com.microsoft", "NhwcConv"): nhwc_conv,
    ("com.microsoft", "NhwcFusedConv"): nhwc_conv,
    ("com.microsoft", "TransposeMatMul"): fused_matmul,
}

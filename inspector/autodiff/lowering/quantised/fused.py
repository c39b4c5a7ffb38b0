"""Products of integers with what runtimes fuse to them: scales, biases, attention, recurrence."""

from __future__ import annotations

from typing import Any

import onnx_ir as ir

from inspector.autodiff.lowering.fused.attention import attention_of
from inspector.autodiff.lowering.fused.normalisation import embeddings, layer_norm, mask_lengths
from inspector.autodiff.lowering.layout import channels_first, channels_last
from inspector.autodiff.lowering.quantised.products import COLUMNS, ROWS
from inspector.autodiff.lowering.saturation import stored
from inspector.autodiff.lowering.scope import INTEGER, Scope, Units, element_type
from inspector.autodiff.tape import Operand

__all__ = ["LOWERINGS"]


def qgemm(scope: Scope, node: ir.Node) -> list[Operand]:
    """Alpha (A B + C) of what the integers mean; saturated, or a float where no scale is given."""
    a, a_scale, a_zero, b, b_scale, b_zero, c, scale, zero = (*node.inputs, None, None, None)[:9]
    transposed = node.attributes.get_int("transB", 0)
    left, right = scope.real(a, Units(a_scale, a_zero)), scope.real(b, Units(b_scale, b_zero, 1 - transposed))
    alpha = node.attributes.get_float("alpha", 1.0)
    bias = None
    if c is not None:
        bias = scope.Mul(scope.integers(c), scope.Mul(a_scale, b_scale))
        bias = bias if alpha == 1 else scope.Mul(bias, alpha)
    attributes: dict[str, Any] = dict(node.attributes)
    result = scope.Gemm(left, right, bias, **attributes)
    if scale is None:
        return [result]
    return [stored(scope, result, Units(scale, zero), element_type(zero) or element_type(node.outputs[0]))]


def dynamic_quantize_matmul(scope: Scope, node: ir.Node) -> list[Operand]:
    """The product with what the weights mean."""
    a, b, b_scale, b_zero, bias = (*node.inputs, None, None)[:5]
    return [_product(scope, a, scope.real(b, Units(b_scale, b_zero, COLUMNS)), bias)]


def matmul_integer_to_float(scope: Scope, node: ir.Node) -> list[Operand]:
    """The product of what the integers mean, and a bias."""
    a, b, a_scale, b_scale, a_zero, b_zero, bias = (*node.inputs, None, None, None)[:7]
    left = scope.real(a, Units(a_scale, a_zero, ROWS))
    return [_product(scope, left, scope.real(b, Units(b_scale, b_zero, COLUMNS)), bias)]


def qattention(scope: Scope, node: ir.Node) -> list[Operand] | None:
    """Self-attention whose projection multiplies integers."""
    x, weights, bias, x_scale, w_scale, mask, x_zero, w_zero, past = (*node.inputs, *[None] * 4)[:9]
    projected = _product(
        scope,
        scope.real(x, Units(x_scale, x_zero)),
        scope.real(weights, Units(w_scale, w_zero, COLUMNS)),
        bias,
    )
    return attention_of(scope, node, projected, mask, past)


def qembed_layer_normalization(scope: Scope, node: ir.Node) -> list[Operand]:
    """The sum of the embeddings that the integers mean, normalised. Only the rows that are picked are read."""
    ids, segments, *tables, mask = node.inputs[:8]
    words, positions, kinds, gamma, beta = tables
    scales, zeros = node.inputs[8:13], node.inputs[13:18]
    real = [
        None if table is None else scope.real(table, Units(scale, zero))
        for table, scale, zero in zip((words, positions, kinds, gamma, beta), scales, zeros, strict=True)
    ]
    total = embeddings(scope, ids, real[0], segments, real[2], None, real[1])
    result = layer_norm(scope, total, real[3], real[4], node.attributes.get_float("epsilon", 1e-12))[0]
    found: list[Operand] = [result, mask_lengths(scope, ids, mask)]
    return found[: len(node.outputs)]


def dynamic_quantize_lstm(scope: Scope, node: ir.Node) -> list[Operand]:
    """An LSTM with what its weights mean."""
    x, w, r, *rest = (*node.inputs, *[None] * 4)[:8]
    w_scale, w_zero, r_scale, r_zero = node.inputs[8:12]
    kernels = [
        scope.Transpose(_gates(scope, weights, scale, zero), perm=[0, 2, 1])
        for weights, scale, zero in ((w, w_scale, w_zero), (r, r_scale, r_zero))
    ]
    attributes: dict[str, Any] = dict(node.attributes)
    return list(scope.op("LSTM", x, *kernels, *rest, outputs=len(node.outputs), **attributes))


def _gates(scope: Scope, weights: Operand, scale: Operand, zero: Operand) -> ir.Value:
    """(directions, inputs, gates) of scales per direction, or per direction and gate."""
    axes = [1] if scope.rank(scale) == 2 else [1, 2]
    centred = scope.Sub(scope.integers(weights), scope.Unsqueeze(scope.cast(zero, ir.DataType.FLOAT), axes))
    return scope.Mul(centred, scope.Unsqueeze(scale, axes))


def nhwc_max_pool(scope: Scope, node: ir.Node) -> list[Operand]:
    """Maxima of integers, channels last: the units stay."""
    (x,) = node.inputs
    attributes: dict[str, Any] = dict(node.attributes)
    known = scope.stands_for_integers(x)
    source = x if known else scope.integers(x)
    result = channels_last(scope, scope.MaxPool(channels_first(scope, source), **attributes))
    return [scope.as_integers(result, scope.units[x] if known and x is not None else INTEGER)]


def _product(scope: Scope, left: Operand, right: Operand, bias: Operand) -> ir.Value:
    product = scope.MatMul(left, right)
    return product if bias is None else scope.Add(product, bias)


LOWERINGS = {
    ("com.microsoft", "DynamicQuantizeLSTM"): dynamic_quantize_lstm,
    ("com.microsoft", "DynamicQuantizeMatMul"): dynamic_quantize_matmul,
    ("com.microsoft", "MatMulIntegerToFloat"): matmul_integer_to_float,
    ("com.microsoft", "NhwcMaxPool"): nhwc_max_pool,
    ("com.microsoft", "QAttention"): qattention,
    ("com.microsoft", "QEmbedLayerNormalization"): qembed_layer_normalization,
    ("com.microsoft", "QGemm"): qgemm,
}

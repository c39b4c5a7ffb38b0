"""Normalisations, with sums and embeddings fused before them."""

from __future__ import annotations

import onnx_ir as ir

from inspector.autodiff.lowering.fused.activations import sigmoid_times
from inspector.autodiff.lowering.layout import channels_first, channels_last
from inspector.autodiff.lowering.scope import Scope
from inspector.autodiff.sizes import count
from inspector.autodiff.tape import Operand

__all__ = ["LOWERINGS", "layer_norm", "rms_norm"]


def layer_norm(
    scope: Scope, x: Operand, gamma: Operand, beta: Operand, epsilon: float, axis: int = -1
) -> list[ir.Value]:
    """The result, the mean, and one over the standard deviation.

    Without a shift zeros are added: onnxruntime's fusion of a sum with the normalisation behind it crashes without one.
    """
    shift = scope.zeros_like(gamma) if beta is None else beta
    return list(scope.op("LayerNormalization", x, gamma, shift, outputs=3, axis=axis, epsilon=epsilon))


def rms_norm(scope: Scope, x: Operand, gamma: Operand, epsilon: float, axis: int = -1) -> list[ir.Value]:
    """The quotient x / sqrt(mean of x squared) * gamma, and the factor.

    (Zhang & Sennrich, Root Mean Square Layer Normalization, 2019.)
    """
    wide = scope.widened(x)
    axes = [axis] if axis == -1 else list(range(axis % scope.rank(x), scope.rank(x)))
    mean = scope.ReduceMean(scope.Mul(wide, wide), axes, keepdims=1)
    factor = scope.Reciprocal(scope.Sqrt(scope.Add(mean, epsilon)))
    return [scope.Mul(scope.cast_like(scope.Mul(wide, factor), x), gamma), factor]


def simplified_layer_normalization(scope: Scope, node: ir.Node) -> list[Operand]:
    """Root mean square normalisation: no mean is taken off."""
    x, gamma = node.inputs
    axis, epsilon = node.attributes.get_int("axis", -1), node.attributes.get_float("epsilon", 1e-5)
    found: list[Operand] = [*rms_norm(scope, x, gamma, epsilon, axis)]
    return found[: len(node.outputs)]


def skip_layer_normalization(scope: Scope, node: ir.Node) -> list[Operand]:
    """The sum of both inputs and a bias, normalised."""
    x, skip, gamma, beta, bias = (*node.inputs, None, None)[:5]
    total = _sum(scope, x, skip, bias)
    found: list[Operand] = [
        *layer_norm(scope, total, gamma, beta, node.attributes.get_float("epsilon", 1e-12)),
        total,
    ]
    return found[: len(node.outputs)]


def skip_simplified_layer_normalization(scope: Scope, node: ir.Node) -> list[Operand]:
    """The sum of both inputs and a bias, divided by its root mean square."""
    x, skip, gamma, bias = (*node.inputs, None)[:4]
    total = _sum(scope, x, skip, bias)
    result, factor = rms_norm(scope, total, gamma, node.attributes.get_float("epsilon", 1e-12))
    found: list[Operand] = [result, None, factor, total]
    return found[: len(node.outputs)]


def embed_layer_normalization(scope: Scope, node: ir.Node) -> list[Operand]:
    """The sum of the embeddings of words, positions and segments, normalised."""
    ids, segments, words, positions, kinds, gamma, beta, mask, places = (*node.inputs, None, None)[:9]
    total = embeddings(scope, ids, words, segments, kinds, places, positions)
    result = layer_norm(scope, total, gamma, beta, node.attributes.get_float("epsilon", 1e-12))[0]
    found: list[Operand] = [result, mask_lengths(scope, ids, mask), total]
    return found[: len(node.outputs)]


def embeddings(
    scope: Scope,
    ids: Operand,
    words: Operand,
    segments: Operand,
    kinds: Operand,
    places: Operand,
    positions: Operand,
) -> ir.Value:
    """Sum of the embeddings, (batch, sequence, hidden)."""
    if places is None:
        places = count(scope, scope.size(ids, 1))
    total = scope.Add(scope.Gather(words, ids), scope.Gather(positions, places))
    return total if segments is None or kinds is None else scope.Add(total, scope.Gather(kinds, segments))


def mask_lengths(scope: Scope, ids: Operand, mask: Operand) -> ir.Value:
    """How many words each sequence has; 0 without a mask. Shape (batch,)."""
    source = scope.Mul(ids, 0) if mask is None else mask
    return scope.ReduceSum(source, [1], keepdims=0)


def group_norm(scope: Scope, node: ir.Node) -> list[Operand]:
    """Group normalisation, channels last unless it says otherwise, and SiLU where it says so."""
    x, gamma, beta = node.inputs
    return [_group_norm(scope, x, gamma, beta, node)]


def skip_group_norm(scope: Scope, node: ir.Node) -> list[Operand]:
    """Group normalisation of the sum of both inputs and a bias."""
    x, gamma, beta, skip, bias = (*node.inputs, None)[:5]
    if scope.rank(skip) == 2:
        skip = scope.Unsqueeze(skip, [1, 2] if node.attributes.get_int("channels_last", 1) else [2, 3])
    if bias is not None and not node.attributes.get_int("channels_last", 1):
        bias = scope.Unsqueeze(bias, [1, 2])
    total = _sum(scope, x, skip, bias)
    found: list[Operand] = [_group_norm(scope, total, gamma, beta, node), total]
    return found[: len(node.outputs)]


def _group_norm(scope: Scope, x: Operand, gamma: Operand, beta: Operand, node: ir.Node) -> ir.Value:
    last, groups = node.attributes.get_int("channels_last", 1), node.attributes.get_int("groups", 1)
    image = channels_first(scope, x) if last else x
    rank = scope.rank(image)
    grouped = scope.Reshape(scope.widened(image), [0, groups, -1])
    mean = scope.ReduceMean(grouped, [2], keepdims=1)
    centred = scope.Sub(grouped, mean)
    spread = scope.ReduceMean(scope.Mul(centred, centred), [2], keepdims=1)
    epsilon = node.attributes.get_float("epsilon", 1e-5)
    normed = scope.reshape_like(scope.Div(centred, scope.Sqrt(scope.Add(spread, epsilon))), image)
    along = [-1, *[1] * (rank - 2)]
    scaled = scope.Mul(normed, scope.Reshape(scope.cast_like(gamma, normed), along))
    shifted = scope.cast_like(scope.Add(scaled, scope.Reshape(scope.cast_like(beta, normed), along)), x)
    result = sigmoid_times(scope, shifted) if node.attributes.get_int("activation", 0) else shifted
    return channels_last(scope, result) if last else result


def _sum(scope: Scope, x: Operand, skip: Operand, bias: Operand) -> ir.Value:
    total = scope.Add(x, skip)
    return total if bias is None else scope.Add(total, bias)


LOWERINGS = {
    ("", "SimplifiedLayerNormalization"): simplified_layer_normalization,
    ("com.microsoft", "EmbedLayerNormalization"): embed_layer_normalization,
    ("com.microsoft", "GroupNorm"): group_norm,
    ("com.microsoft", "SkipGroupNorm"): skip_group_norm,
    ("com.microsoft", "SkipLayerNormalization"): skip_layer_normalization,
    ("com.microsoft", "SkipSimplifiedLayerNormalization"): skip_simplified_layer_normalization,
}

"""Normalisations: y = scale * (x - mean) / sqrt(variance + epsilon) + bias, over various axes.

Through the statistics (Ioffe & Szegedy, Batch Normalization, section 3), with h = (x - mean) / deviation and
g the cotangent of h: gx = (g - mean(g) - h * mean(g * h)) / deviation.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from inspector.autodiff.broadcasting import dims, unbroadcast
from inspector.autodiff.sizes import product
from inspector.autodiff.tape import Operand, Pullback, Tape, Values

# --- statistics of the input itself ----------------------------------------------------------------------


def _standardised(tape: Tape, x: Operand, axes: Sequence[int], epsilon: float) -> tuple[ir.Value, ir.Value]:
    """X less its mean, over its deviation; and one over that deviation."""
    centred = tape.Sub(x, tape.ReduceMean(x, list(axes), keepdims=1))
    variance = tape.ReduceMean(tape.Mul(centred, centred), list(axes), keepdims=1)
    inverse = tape.Reciprocal(tape.Sqrt(tape.Add(variance, epsilon)))
    return tape.Mul(centred, inverse), inverse


def _through_statistics(
    tape: Tape, g: Operand, h: Operand, inverse: Operand, axes: Sequence[int]
) -> ir.Value:
    mean = tape.ReduceMean(g, list(axes), keepdims=1)
    along = tape.Mul(h, tape.ReduceMean(tape.Mul(g, h), list(axes), keepdims=1))
    return tape.Mul(inverse, tape.Sub(tape.Sub(g, mean), along))


def _per_channel(tape: Tape, vector: Operand, rank: int) -> ir.Value:
    """A vector over the channels, shaped to broadcast against (N, C, ...)."""
    return tape.Reshape(vector, [1, -1, *[1] * (rank - 2)])


# --- operators -------------------------------------------------------------------------------------------


def batch_normalization(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    if node.attributes.get_int("training_mode", 0):
        return _batch_normalization_training(tape, node, cotangents)
    g, (x, *_) = cotangents[0], node.inputs
    if g is None:
        return [None] * 5
    wide = tape.widened(g)
    # scale and bias may have another precision than the image, and the statistics a third
    scale, mean, variance = (tape.cast_like(node.inputs[place], wide) for place in (1, 3, 4))
    rank = tape.rank(x)
    others = [0, *range(2, rank)]
    inverse = tape.Reciprocal(tape.Sqrt(tape.Add(variance, node.attributes.get_float("epsilon", 1e-5))))
    factor = tape.cast_like(tape.Mul(scale, inverse), g)
    gx = tape.Mul(g, _per_channel(tape, factor, rank))
    gb = tape.ReduceSum(wide, others, keepdims=0)
    centred = tape.Sub(tape.cast_like(x, wide), _per_channel(tape, mean, rank))
    gs = tape.Mul(tape.ReduceSum(tape.Mul(wide, centred), others, keepdims=0), inverse)
    gm = tape.Neg(tape.Mul(tape.Mul(gb, scale), inverse))
    gv = tape.Mul(tape.Mul(tape.Mul(gs, scale), tape.Mul(inverse, inverse)), -0.5)
    return [gx, gs, gb, gm, gv]


def _batch_normalization_training(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """With running = momentum * input + (1 - momentum) * statistic, of the population variance."""
    x = tape.widened(node.inputs[0])
    g, g_mean, g_variance = (
        None if each is None else tape.cast_like(each, x) for each in [*cotangents, None, None][:3]
    )
    scale = tape.cast_like(node.inputs[1], x)
    momentum = node.attributes.get_float("momentum", 0.9)
    sizes = tape.sizes(node.inputs[0])
    rank = len(sizes)
    axes = [0, *range(2, rank)]
    h, inverse = _standardised(tape, x, axes, node.attributes.get_float("epsilon", 1e-5))
    parts: list[ir.Value] = []
    gs = gb = None
    if g is not None:
        gs = tape.ReduceSum(tape.Mul(g, h), axes, keepdims=0)
        gb = tape.ReduceSum(g, axes, keepdims=0)
        scaled = tape.Mul(g, _per_channel(tape, scale, rank))
        parts.append(_through_statistics(tape, scaled, h, inverse, axes))
    if g_mean is not None or g_variance is not None:
        count = tape.cast_like(tape.ints([product([sizes[axis] for axis in axes])]), x)
        if g_mean is not None:
            share = tape.Div(tape.Mul(g_mean, 1 - momentum), count)
            parts.append(tape.Expand(_per_channel(tape, share, rank), tape.ints(sizes)))
        if g_variance is not None:
            # d variance / dx = 2 (x - mean) / count
            share = tape.Div(tape.Mul(g_variance, 2 * (1 - momentum)), count)
            parts.append(tape.Mul(tape.Div(h, inverse), _per_channel(tape, share, rank)))
    gm = None if g_mean is None else tape.Mul(g_mean, momentum)
    gv = None if g_variance is None else tape.Mul(g_variance, momentum)
    return [tape.Sum(*parts), gs, gb, gm, gv]


def instance_normalization(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    rank = tape.rank(node.inputs[0])
    g, x, scale = (tape.widened(each) for each in (cotangents[0], *node.inputs[:2]))
    spatial, others = list(range(2, rank)), [0, *range(2, rank)]
    h, inverse = _standardised(tape, x, spatial, node.attributes.get_float("epsilon", 1e-5))
    gx = _through_statistics(tape, tape.Mul(g, _per_channel(tape, scale, rank)), h, inverse, spatial)
    gs = tape.ReduceSum(tape.Mul(g, h), others, keepdims=0)
    return [gx, gs, tape.ReduceSum(g, others, keepdims=0)]


def layer_normalization(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Over the axes from `axis` on. The mean and one over the deviation may be results too.

    The statistics are taken in float32 where the input is narrower, as the standard has it (stash_type).
    """
    (x, scale, *bias) = node.inputs
    g, g_mean, g_inverse = [*cotangents, None, None][:3]
    rank = tape.rank(x)
    axes = list(range(node.attributes.get_int("axis", -1) % rank, rank))
    wide = tape.widened(x)
    h, inverse = _standardised(tape, wide, axes, node.attributes.get_float("epsilon", 1e-5))
    parts: list[ir.Value] = []
    gs = gb = None
    if g is not None:
        g = tape.cast_like(g, wide)
        gs = unbroadcast(tape, tape.Mul(g, h), dims(x), scale)
        gb = unbroadcast(tape, g, dims(x), bias[0]) if bias and bias[0] is not None else None
        scaled = tape.Mul(g, tape.cast_like(scale, wide))
        parts.append(_through_statistics(tape, scaled, h, inverse, axes))
    if g_mean is not None or g_inverse is not None:
        count = tape.cast_like(tape.ints([product([tape.size(x, axis) for axis in axes])]), wide)
        if g_mean is not None:
            parts.append(tape.Expand(tape.Div(tape.cast_like(g_mean, wide), count), tape.shape(x)))
        if g_inverse is not None:
            # d (1 / deviation) / dx = -h / (count * deviation^2)
            share = tape.Div(tape.Mul(tape.cast_like(g_inverse, wide), tape.Mul(inverse, inverse)), count)
            parts.append(tape.Neg(tape.Mul(h, share)))
    return [tape.Sum(*parts), gs, *([gb] * len(bias))]


def local_response_normalization(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Krizhevsky et al., ImageNet classification (2012), section 3.3: y = x * s^-beta, where
    s = bias + alpha * (the mean of squares over `size` neighbouring channels, zeros beyond the edge).

    The channels become an axis to pool over; the transpose of that window is the same one mirrored.
    """
    (g,), (x,), (y,) = cotangents, node.inputs, node.outputs
    size = node.attributes["size"].as_int()
    alpha = node.attributes.get_float("alpha", 1e-4)
    beta = node.attributes.get_float("beta", 0.75)
    before, after = (size - 1) // 2, size // 2

    channels = tape.size(x, 1)
    wide = tape.widened(x)

    def mean_of_neighbours(values: Operand, before: int, after: int) -> ir.Value:
        rows = tape.Reshape(values, [0, 1, channels, -1])
        pads = [before, 0, after, 0]
        pooled = tape.AveragePool(rows, kernel_shape=[size, 1], pads=pads, count_include_pad=1)
        return tape.reshape_like(pooled, x)

    s = tape.Add(
        tape.Mul(mean_of_neighbours(tape.Mul(wide, wide), before, after), alpha),
        node.attributes.get_float("bias", 1.0),
    )
    g = tape.cast_like(g, wide)
    spread = mean_of_neighbours(tape.Div(tape.Mul(g, tape.cast_like(y, wide)), s), after, before)
    return [tape.Sub(tape.Mul(g, tape.Pow(s, -beta)), tape.Mul(tape.Mul(wide, spread), 2 * alpha * beta))]


def lp_normalization(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Of x / |x|_p along one axis; 0 at the origin, which it maps to itself."""
    (g,), (x,), (y,) = cotangents, node.inputs, node.outputs
    x, y, g = tape.widened(x), tape.widened(y), tape.widened(g)
    axis = [node.attributes.get_int("axis", -1)]
    if node.attributes.get_int("p", 2) == 1:
        norm, direction = tape.ReduceL1(x, axis, keepdims=1), tape.Sign(x)
    else:
        norm, direction = tape.ReduceL2(x, axis, keepdims=1), y
    return [through_norm(tape, g, y, norm, direction, at_origin=0.0, axis=axis[0])]


def through_norm(
    tape: Tape,
    g: Operand,
    y: Operand,
    norm: Operand,
    direction: Operand,
    *,
    at_origin: Operand | float,
    axis: int = -1,
) -> ir.Value:
    """What the cotangent `g` of y = x / norm along `axis` is before it; `direction` is the slope of the norm.

    Where the norm is zero there is no slope: `at_origin` stands there.
    """
    zero = tape.Equal(norm, 0)
    along = tape.Mul(direction, tape.ReduceSum(tape.Mul(g, y), [axis], keepdims=1))
    return tape.Where(zero, at_origin, tape.Div(tape.Sub(g, along), tape.Where(zero, 1, norm)))


RULES: dict[str, Pullback] = {
    "BatchNormalization": batch_normalization,
    "InstanceNormalization": instance_normalization,
    "LRN": local_response_normalization,
    "LayerNormalization": layer_normalization,
    "LpNormalization": lp_normalization,
}

"""Normalisations: those that onnx.reference lacks, computes in single precision, or reads wrongly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from inspector.check.kernels.call import Array, Call

__all__ = [
    "batch_normalization",
    "group_normalization",
    "layer_normalization",
    "lp_normalization",
    "lrn",
    "mean_variance_normalization",
    "rms_normalization",
]


def batch_normalization(
    call: Call,
    x: Array,
    scale: Array,
    bias: Array,
    mean: Array,
    variance: Array,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int | None = 0,
    spatial: int | None = 1,
    is_test: int | None = 1,
) -> tuple[Array, ...]:
    """Inference and, from opset 14, training mode.

    Before opset 14 a node with one output is an inference node; onnx.reference would mix the batch's own
    statistics in.
    """
    feature = x.shape[1:] if spatial == 0 else (x.shape[1], *(1,) * (x.ndim - 2))

    def normalise(mu: Array, var: Array) -> Array:
        factor = scale / np.sqrt(var + epsilon)
        result: Array = x * factor.reshape(feature) + (bias - mu * factor).reshape(feature)
        return result

    if not (training_mode if call.opset >= 14 else call.outputs > 1):
        return (normalise(mean, variance),)
    axes = (0, *range(2, x.ndim))
    batch_mean, batch_variance = x.mean(axis=axes), x.var(axis=axes)
    running_mean = mean * momentum + batch_mean * (1 - momentum)
    running_variance = variance * momentum + batch_variance * (1 - momentum)
    return normalise(batch_mean, batch_variance), running_mean, running_variance


def layer_normalization(
    _: Call,
    x: Array,
    scale: Array,
    bias: Array | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int | None = 1,
) -> tuple[Array, Array, Array]:
    axes = tuple(range(axis % x.ndim, x.ndim))
    mean = x.mean(axis=axes, keepdims=True)
    inverse = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + epsilon)
    y = (x - mean) * inverse * scale
    return (y if bias is None else y + bias), mean, inverse


def rms_normalization(
    _: Call, x: Array, scale: Array, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int | None = 1
) -> Array:
    axes = tuple(range(axis % x.ndim, x.ndim))
    result: Array = x / np.sqrt((x * x).mean(axis=axes, keepdims=True) + epsilon) * scale
    return result


def group_normalization(
    call: Call,
    x: Array,
    scale: Array,
    bias: Array,
    *,
    num_groups: int,
    epsilon: float = 1e-5,
    stash_type: int | None = 1,
) -> Array:
    """Scale and bias are per group in opset 18, per channel from opset 21 on."""
    grouped = x.reshape(x.shape[0], num_groups, -1)
    mean = grouped.mean(axis=2, keepdims=True)
    normal = (grouped - mean) / np.sqrt(grouped.var(axis=2, keepdims=True) + epsilon)
    if call.opset < 21:
        result: Array = normal * scale[:, None] + bias[:, None]
        return result.reshape(x.shape)
    feature = (-1, *(1,) * (x.ndim - 2))
    channels: Array = normal.reshape(x.shape) * scale.reshape(feature) + bias.reshape(feature)
    return channels


def mean_variance_normalization(_: Call, x: Array, *, axes: Sequence[int] | None = None) -> Array:
    over = tuple(axes) if axes is not None else (0, 2, 3)
    shift = x - x.mean(axis=over, keepdims=True)
    deviation = np.sqrt((shift * shift).mean(axis=over, keepdims=True))
    # the constant is in the operator's function body
    result: Array = shift / (deviation + 1e-9)
    return result


def lp_normalization(_: Call, x: Array, *, axis: int = -1, p: int = 2) -> Array:
    norm = (np.abs(x) ** p).sum(axis=axis, keepdims=True) ** (1 / p)
    result: Array = np.divide(x, norm, out=np.zeros_like(x), where=norm != 0)
    return result


def lrn(_: Call, x: Array, *, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0, size: int) -> Array:
    """Local response normalisation over `size` neighbouring channels; any number of spatial axes."""
    before, after = (size - 1) // 2, size // 2
    widths = [(0, 0), (before, after), *[(0, 0)] * (x.ndim - 2)]
    squares = sliding_window_view(np.pad(x * x, widths), size, axis=1).sum(axis=-1)
    result: Array = x / (bias + alpha / size * squares) ** beta
    return result

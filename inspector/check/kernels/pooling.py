"""Pools of any rank."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from inspector.check.kernels.call import Array, Call
from inspector.check.kernels.windows import window

__all__ = ["average_pool", "global_lp_pool", "global_max_pool", "lp_pool", "max_pool"]


def max_pool(
    call: Call,
    x: Array,
    *,
    auto_pad: str | None = None,
    ceil_mode: int | None = 0,
    dilations: Sequence[int] | None = None,
    kernel_shape: Sequence[int],
    pads: Sequence[int] | None = None,
    storage_order: int | None = 0,
    strides: Sequence[int] | None = None,
) -> tuple[Array, ...]:
    """(N, C, *in) -> (N, C, *out), and where the node asks, the maxima's places in the flattened input.

    Of equal values the first in row-major order wins.
    """
    rank = len(kernel_shape)
    geometry = window(x.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    taps = geometry.taps(geometry.pad(x, lowest))
    values = next(taps).copy()
    if call.outputs == 1:
        for tap in taps:
            np.maximum(values, tap, out=values)
        return (values,)
    winner = np.zeros(values.shape, dtype=np.int64)
    for number, tap in enumerate(taps, start=1):
        larger = tap > values
        winner[larger] = number
        values[larger] = tap[larger]
    out = values.shape
    places = np.unravel_index(winner, tuple(kernel_shape))
    index = np.zeros(out, dtype=np.int64)
    spatial = x.shape[2:]
    for i in range(rank):
        start = (
            np.arange(out[2 + i]).reshape(-1, *(1,) * (rank - 1 - i)) * geometry.strides[i]
            - geometry.before[i]
        )
        position = start + places[i] * geometry.dilations[i]
        stride = prod(spatial[:i]) if storage_order else prod(spatial[i + 1 :])
        index += position * stride
    index += np.arange(prod(x.shape[:2])).reshape(*x.shape[:2], *(1,) * rank) * prod(spatial)
    return values, index


def average_pool(
    call: Call,
    x: Array,
    *,
    auto_pad: str | None = None,
    ceil_mode: int | None = 0,
    count_include_pad: int | None = 0,
    dilations: Sequence[int] | None = None,
    kernel_shape: Sequence[int],
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Array:
    """(N, C, *in) -> (N, C, *out); what `ceil_mode` adds behind the padding is never counted."""
    geometry = window(x.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    total = _sum(geometry.taps(geometry.pad(x, 0)))
    counted = np.zeros(
        (1, 1, *(s + b + a for s, b, a in zip(x.shape[2:], geometry.before, geometry.after, strict=True)))
    )
    inner = tuple(slice(b, b + s) for s, b in zip(x.shape[2:], geometry.before, strict=True))
    counted[(slice(None), slice(None), *(() if count_include_pad else inner))] = 1
    counted = np.pad(counted, [(0, 0), (0, 0), *((0, o) for o in geometry.overhang)])
    mean: Array = total / _sum(geometry.taps(counted))
    return mean


def lp_pool(
    call: Call,
    x: Array,
    *,
    auto_pad: str | None = None,
    ceil_mode: int | None = 0,
    dilations: Sequence[int] | None = None,
    kernel_shape: Sequence[int],
    p: int = 2,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Array:
    """(N, C, *in) -> (N, C, *out): the p-norm of each window."""
    geometry = window(x.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    total = _sum(geometry.taps(geometry.pad(np.abs(x) ** p, 0)))
    norm: Array = total ** (1 / p)
    return norm


def global_lp_pool(_: Call, x: Array, *, p: int = 2) -> Array:
    """(N, C, *in) -> (N, C, 1, ...): the p-norm of each channel."""
    total: Array = (np.abs(x) ** p).sum(axis=tuple(range(2, x.ndim)), keepdims=True)
    return total ** (1 / p)


def _sum(taps: Iterator[Array]) -> Array:
    total = next(taps).copy()
    for tap in taps:
        total += tap
    return total


def global_max_pool(_: Call, x: Array) -> Array:
    result: Array = x.max(axis=tuple(range(2, x.ndim)), keepdims=True)
    return result

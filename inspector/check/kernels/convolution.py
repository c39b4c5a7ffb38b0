"""Conv and ConvTranspose of any rank as matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from inspector.check.kernels.call import Array, Call
from inspector.check.kernels.windows import window

__all__ = ["conv", "conv_transpose"]

_BLOCK = 8_000_000
"""Elements of the unfolded input held at a time (64 MB of doubles)."""


def conv(
    _: Call,
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    auto_pad: str | None = None,
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Array:
    """(N, C, *in) and kernels (M, C/group, *kernel) -> (N, M, *out)."""
    kernel = w.shape[2:]
    rank = len(kernel)
    geometry = window(x.shape[2:], kernel, strides, dilations, pads, auto_pad)
    patches = geometry.view(geometry.pad(x, 0))
    samples, channels = x.shape[:2]
    out = patches.shape[2 : 2 + rank]
    taps = channels // group * prod(kernel)
    weights = w.reshape(group, w.shape[0] // group, taps).swapaxes(1, 2)
    result = np.empty((samples, w.shape[0], *out), dtype=x.dtype)
    block = max(1, _BLOCK // max(1, group * taps * prod(out)))
    for start in range(0, samples, block):
        part = patches[start : start + block]
        n = part.shape[0]
        part = part.reshape(n, group, channels // group, *out, *kernel)
        # to (group, N, *out, C/group, *kernel)
        order = (1, 0, *range(3, 3 + rank), 2, *range(3 + rank, 3 + 2 * rank))
        columns = part.transpose(order).reshape(group, n * prod(out), taps)
        product_ = (columns @ weights).reshape(group, n, *out, -1)
        back = (1, 0, 2 + rank, *range(2, 2 + rank))
        result[start : start + n] = product_.transpose(back).reshape(n, w.shape[0], *out)
    return result if b is None else result + b.reshape(-1, *(1,) * rank)


def conv_transpose(
    _: Call,
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    auto_pad: str | None = None,
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    output_padding: Sequence[int] | None = None,
    output_shape: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Array:
    """(N, C, *in) and kernels (C, M/group, *kernel) -> (N, M, *out)."""
    kernel = w.shape[2:]
    rank = len(kernel)
    steps = tuple(strides) if strides else (1,) * rank
    spread = tuple(dilations) if dilations else (1,) * rank
    extra = tuple(output_padding) if output_padding else (0,) * rank
    size = x.shape[2:]
    full = [(size[i] - 1) * steps[i] + (kernel[i] - 1) * spread[i] + 1 + extra[i] for i in range(rank)]
    begin, shape = _crop(size, steps, full, pads, auto_pad, output_shape)

    samples, channels = x.shape[:2]
    maps = w.shape[1]
    weights = w.reshape(group, channels // group, maps * prod(kernel)).swapaxes(1, 2)
    flat = x.reshape(samples, group, channels // group, prod(size))
    # what the file crops may be negative (an output longer than the kernels reach): leave room for it
    room = [max(full[i], begin[i] + shape[i]) for i in range(rank)]
    buffer = np.zeros((samples, group * maps, *room), dtype=x.dtype)
    block = max(1, _BLOCK // max(1, group * maps * prod(kernel) * prod(size)))
    for start in range(0, samples, block):
        columns = weights @ flat[start : start + block]
        columns = columns.reshape(-1, group, maps, *kernel, *size)
        target = buffer[start : start + block].reshape(-1, group, maps, *room)
        for tap in product(*map(range, kernel)):
            place: tuple[Any, ...] = (
                ...,
                *(
                    slice(t * d, t * d + (n - 1) * s + 1, s)
                    for t, d, n, s in zip(tap, spread, size, steps, strict=True)
                ),
            )
            target[place] += columns[(slice(None),) * 3 + tap]
    kept: tuple[Any, ...] = (..., *(slice(o, o + n) for o, n in zip(begin, shape, strict=True)))
    result: Array = buffer[kept]
    if b is not None:
        result = result + b.reshape(-1, *(1,) * rank)
    return result


def _crop(
    size: Sequence[int],
    steps: Sequence[int],
    full: Sequence[int],
    pads: Sequence[int] | None,
    auto_pad: str | None,
    output_shape: Sequence[int] | None,
) -> tuple[list[int], list[int]]:
    """Where the output begins in the full result, and its size."""
    rank = len(size)
    same = auto_pad in ("SAME_UPPER", "SAME_LOWER")
    if output_shape or same:
        # a file may give the whole shape, batch and channels too
        shape = (
            list(output_shape)[-rank:] if output_shape else [n * s for n, s in zip(size, steps, strict=True)]
        )
        total = [max(0, f - n) for f, n in zip(full, shape, strict=True)]
        begin = [t // 2 if auto_pad == "SAME_UPPER" else t - t // 2 for t in total]
        return begin, shape
    if not pads or auto_pad == "VALID":
        return [0] * rank, list(full)
    return list(pads[:rank]), [full[i] - pads[i] - pads[rank + i] for i in range(rank)]

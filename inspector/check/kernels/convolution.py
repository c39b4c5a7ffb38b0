"""Conv and ConvTranspose of any rank as matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from inspector.check.double import is_narrow, widen
from inspector.check.kernels.call import Array, Call
from inspector.check.kernels.windows import Window, window

__all__ = ["conv", "conv_transpose"]

_BLOCK = 250_000
"""Elements of the unfolded input held at a time: 2 MB of doubles stay in a processor's cache."""
_WIDENED = 4_000_000
"""Numbers of kernels widened at a time: 32 MB of doubles."""


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
    geometry = window(x.shape[2:], kernel, strides, dilations, pads, auto_pad)
    padded = geometry.pad(widen(x), 0)
    if w.shape[1] == 1 and w.shape[0] == group:
        result = _depthwise(geometry, padded, widen(w))
    else:
        parts = [_grouped(geometry, padded, widen(w[some]), group) for some in _portions(w, group)]
        result = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    if b is not None:
        result += widen(b).reshape(-1, *(1,) * len(kernel))
    return result


def _portions(w: Array, group: int) -> list[slice]:
    """Slices of the first axis of kernels, which may be most of a file, to be widened one after another."""
    step = max(1, _WIDENED // max(1, prod(w.shape[1:]))) if is_narrow(w) and group == 1 else len(w)
    return [slice(start, start + step) for start in range(0, max(1, len(w)), max(1, step))]


def _depthwise(geometry: Window, padded: Array, w: Array) -> Array:
    """One kernel per channel: a product per element of the kernel, without unfolding, some channels at a time."""
    samples, channels = padded.shape[:2]
    out = geometry.view(padded).shape[2 : 2 + len(geometry.kernel)]
    result = np.zeros((samples, channels, *out), dtype=padded.dtype)
    some = max(1, _BLOCK // max(1, prod(padded.shape[2:])))
    for sample in range(samples):
        for start in range(0, channels, some):
            kept = slice(start, start + some)
            total, part = result[sample : sample + 1, kept], padded[sample : sample + 1, kept]
            term = np.empty_like(total)
            for tap, view in zip(np.ndindex(geometry.kernel), geometry.taps(part), strict=True):
                weights = w[(kept, 0, *tap)].reshape(-1, *(1,) * len(tap))
                total += np.multiply(view, weights, out=term)
    return result


def _grouped(geometry: Window, padded: Array, w: Array, group: int) -> Array:
    """Matrix products of the kernels with the unfolded input, some rows of the output at a time."""
    patches = geometry.view(padded)
    rank = len(geometry.kernel)
    samples, channels = padded.shape[:2]
    out = patches.shape[2 : 2 + rank]
    maps, taps = w.shape[0] // group, prod(w.shape[1:])
    weights = w.reshape(group, maps, taps)
    result = np.empty((samples, group, maps, *out), dtype=padded.dtype)
    # (N, group, C/group, *kernel, *out), a view
    unfolded = np.moveaxis(patches, range(2, 2 + rank), range(2 + rank, 2 + 2 * rank)).reshape(
        samples, group, channels // group, *geometry.kernel, *out
    )
    rows = max(1, _BLOCK // max(1, group * taps * prod(out[1:])))
    for sample in range(samples):
        for start in range(0, out[0], rows):
            kept = slice(start, start + rows)
            columns = unfolded[sample][(slice(None),) * (2 + rank) + (kept,)]
            shape = columns.shape[2 + rank :]
            product_ = weights @ columns.reshape(group, taps, prod(shape))
            result[sample, :, :, kept] = product_.reshape(group, maps, *shape)
    return result.reshape(samples, w.shape[0], *out)


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

    # what the file crops may be negative (an output longer than the kernels reach): leave room for it
    room = [max(full[i], begin[i] + shape[i]) for i in range(rank)]
    buffer = np.zeros((len(x), group, w.shape[1], *room))
    for some in _portions(w, group):
        _scatter(buffer, widen(x[:, some]), widen(w[some]), steps, spread)
    buffer = buffer.reshape(len(x), group * w.shape[1], *room)
    kept: tuple[Any, ...] = (..., *(slice(o, o + n) for o, n in zip(begin, shape, strict=True)))
    result: Array = buffer[kept]
    if b is not None:
        result = result + widen(b).reshape(-1, *(1,) * rank)
    return result


def _scatter(buffer: Array, x: Array, w: Array, steps: Sequence[int], spread: Sequence[int]) -> None:
    """Add to `buffer` (N, group, M/group, *full) each input times its kernels, some rows of the input at a time."""
    group, maps = buffer.shape[1:3]
    kernel, size = w.shape[2:], x.shape[2:]
    channels = x.shape[1] // group
    weights = w.reshape(group, channels, maps * prod(kernel)).swapaxes(1, 2)
    rows = max(1, _BLOCK // max(1, group * maps * prod(kernel) * prod(size[1:])))
    for target, sample in zip(buffer, x.reshape(len(x), group, channels, *size), strict=True):
        for start in range(0, size[0], rows):
            part = sample[:, :, start : start + rows]
            extent = part.shape[2:]
            columns = weights @ part.reshape(group, channels, prod(extent))
            columns = columns.reshape(group, maps, *kernel, *extent)
            origin = (start * steps[0], *(0,) * (len(size) - 1))
            for tap in product(*map(range, kernel)):
                place: tuple[Any, ...] = (
                    ...,
                    *(
                        slice(o + t * d, o + t * d + (n - 1) * s + 1, s)
                        for o, t, d, n, s in zip(origin, tap, spread, extent, steps, strict=True)
                    ),
                )
                target[place] += columns[(slice(None),) * 2 + tap]


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

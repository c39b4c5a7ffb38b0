"""GridSample, reading an image between its pixels, and AffineGrid, which says where."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np

from inspector.check.kernels.call import Array, Call

__all__ = ["affine_grid", "cubic", "grid_sample", "neighbours", "read"]

_BLOCK = 4_000_000
"""Elements sampled at a time (32 MB of doubles)."""


def grid_sample(
    _: Call,
    x: Array,
    grid: Array,
    *,
    align_corners: int | None = 0,
    mode: str | None = "linear",
    padding_mode: str | None = "zeros",
) -> Array:
    """(N, C, *in) read at the places (N, *out, rank) -> (N, C, *out).

    The last axis of the grid names the axes of the image backwards, each from -1 to 1.
    """
    sizes, rank = x.shape[2:], x.ndim - 2
    out = grid.shape[1:-1]
    kind = str(mode).removeprefix("bi")
    result = np.empty((*x.shape[:2], prod(out)), dtype=x.dtype)
    for image, places, into in zip(x, grid.reshape(len(grid), -1, rank), result, strict=True):
        along = [
            neighbours(
                _pixels(places[:, rank - 1 - axis], size, bool(align_corners)),
                size,
                kind,
                str(padding_mode),
                aligned=bool(align_corners),
            )
            for axis, size in enumerate(sizes)
        ]
        into[:] = read(image, along)
    return result.reshape(*x.shape[:2], *out)


def affine_grid(_: Call, theta: Array, size: Array, *, align_corners: int | None = 0) -> Array:
    """(N, rank, rank + 1) and a size (N, C, *out) -> (N, *out, rank): each matrix times (x, y, ..., 1)."""
    out = [int(each) for each in size[2:]]
    axes = [np.linspace(1, -1, n)[::-1] if align_corners else (2 * np.arange(n) + 1) / n - 1 for n in out]
    # (an axis of one place has its last, as onnxruntime has it)
    places = np.meshgrid(*axes, indexing="ij")
    coordinates = np.stack([*reversed(places), np.ones(out)], axis=-1)
    grid: Array = coordinates.reshape(1, -1, len(out) + 1) @ theta.swapaxes(1, 2)
    return grid.reshape(len(theta), *out, len(out))


def read(image: Array, along: list[tuple[Array, Array]]) -> Array:
    """The image (C, *sizes) at P places, (C, P): the weighted sum over the neighbours of each.

    Args:
        along: for each axis, the (taps, P) neighbours of every place and their (taps, P) weights.
    """
    sizes, places = image.shape[1:], along[0][0].shape[1]
    rows = np.ascontiguousarray(image.reshape(image.shape[0], -1).T)
    result = np.zeros((places, image.shape[0]), dtype=image.dtype)
    block = max(1, _BLOCK // max(1, image.shape[0]))
    for start in range(0, places, block):
        here = slice(start, start + block)
        for taps in product(*(range(len(index)) for index, _ in along)):
            row = np.zeros(1, dtype=np.int64)
            weight = np.ones(1)
            for (index, weights), tap, size in zip(along, taps, sizes, strict=True):
                row = row * size + index[tap, here]
                weight = weight * weights[tap, here]
            result[here] += rows[row] * weight[:, None]
    return result.T


def _pixels(g: Array, size: int, aligned: bool) -> Array:
    """Places from -1 to 1, in pixels: the ends are the centres of the outermost pixels or their outer edges."""
    return (g + 1) / 2 * (size - 1) if aligned else ((g + 1) * size - 1) / 2


def neighbours(place: Array, size: int, mode: str, padding: str, *, aligned: bool) -> tuple[Array, Array]:
    """The (taps, P) pixels along one axis that each of P places, in pixels, is read from, and their weights.

    A place beyond the image needs no treatment of its own: its neighbours get what they need.
    """
    if mode == "nearest":
        place = np.rint(place)
    first = np.floor(place)
    t = place - first
    if mode == "nearest":
        offsets, weights = [0], [np.ones_like(t)]
    elif mode == "linear":
        offsets, weights = [0, 1], [1 - t, t]
    else:
        offsets, weights = [-1, 0, 1, 2], [cubic(1 + t), cubic(t), cubic(1 - t), cubic(2 - t)]
    index = first + np.reshape(offsets, (-1, 1))
    share = np.stack(weights)
    if padding == "zeros":
        share = np.where((index >= 0) & (index < size), share, 0)
    elif padding == "reflection":
        # about the centres of the outermost pixels, or about their outer edges
        period = max(2 * (size - 1), 1) if aligned else 2 * size
        phase = np.mod(index, period)
        index = np.minimum(phase, (period if aligned else period - 1) - phase)
    # (a place that is no number is read somewhere, with a weight that is none)
    return np.clip(np.nan_to_num(index), 0, size - 1).astype(np.int64), share


def cubic(distance: Array, a: float = -0.75) -> Array:
    """The weight at a distance from a pixel: Keys, Cubic convolution interpolation (1981), eq. 4."""
    d = np.abs(distance)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    result: Array = np.where(d <= 1, near, np.where(d < 2, far, 0))
    return result

"""The quantities that claims are decided on: correlation, detail, colour and regions of arrays. Pure numpy."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

__all__ = [
    "band",
    "channel_rows",
    "constant_rows",
    "correlations",
    "dilate",
    "enlarge",
    "high_frequency_share",
    "own_scale",
    "spearman",
    "superiority",
    "total_variation",
    "viridis_hues",
]


def channel_rows(maps: Array) -> Array:
    """(N, C, H, W) to (C, N*H*W) in float64: everything that one channel says about all images, as one row."""
    channels = np.moveaxis(np.asarray(maps, np.float64), 1, 0)
    return channels.reshape(channels.shape[0], -1)


def constant_rows(rows: Array, tolerance: float = 1e-6) -> Array:
    """True for the rows whose range is nothing but rounding: at most ``tolerance`` of their largest magnitude."""
    spread = rows.max(axis=1) - rows.min(axis=1)
    return np.asarray(spread <= tolerance * np.abs(rows).max(axis=1))


def correlations(first: Array, second: Array) -> Array:
    """Pearson's r between every row of ``first`` (A, n) and of ``second`` (B, n): (A, B); 0 for a constant row."""

    def standardised(rows: Array) -> Array:
        flat = constant_rows(rows)
        centred = rows - rows.mean(axis=1, keepdims=True)
        norm = np.linalg.norm(centred, axis=1, keepdims=True)
        scaled: Array = np.divide(centred, norm, out=np.zeros_like(centred), where=norm > 0)
        scaled[flat] = 0.0
        return scaled

    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    return np.asarray(np.clip(standardised(first) @ standardised(second).T, -1.0, 1.0))


def own_scale(maps: Array) -> Array:
    """Each (H, W) map of (..., H, W) scaled to [0, 1] by its own least and greatest value; a constant map to 0.

    This is how the per-channel grids are coloured. A range within rounding (1e-6 of the largest
    magnitude) counts as constant, so that rounding is not blown up into a picture.
    """
    maps = np.asarray(maps, np.float64)
    low = maps.min(axis=(-2, -1), keepdims=True)
    spread = maps.max(axis=(-2, -1), keepdims=True) - low
    visible = spread > 1e-6 * np.abs(maps).max(axis=(-2, -1), keepdims=True)
    scaled: Array = np.divide(maps - low, spread, out=np.zeros_like(maps), where=visible)
    return scaled


@functools.cache
def _viridis_hue_table() -> Array:
    import matplotlib

    colours = np.asarray(matplotlib.colormaps["viridis"](np.arange(256)))[:, :3]
    red, green, blue = colours.T
    high, low = colours.max(axis=1), colours.min(axis=1)
    span = high - low
    sector = np.where(
        high == red,
        ((green - blue) / span) % 6,
        np.where(high == green, (blue - red) / span + 2, (red - green) / span + 4),
    )
    return np.asarray(60.0 * sector)


def viridis_hues(unit: Array) -> Array:
    """Hue in degrees [0, 360) of each value in [0, 1] when coloured with viridis (HSV hue of its 256 colours).

    Viridis runs from violet (288) over blue and green to yellow (55). The claims call 180 to 300 degrees blue
    (values below 0.49), 80 to 180 green, and below 80 yellow (values from 0.865).
    """
    steps = np.clip((np.asarray(unit, np.float64) * 256).astype(np.int64), 0, 255)
    return np.asarray(_viridis_hue_table()[steps])


def total_variation(maps: Array) -> Array:
    """Mean absolute difference of neighbouring pixels of (..., H, W), in the maps' own units: shape (...)."""
    maps = np.asarray(maps, np.float64)
    down = np.abs(np.diff(maps, axis=-2))
    across = np.abs(np.diff(maps, axis=-1))
    total = down.sum(axis=(-2, -1)) + across.sum(axis=(-2, -1))
    count = down.shape[-2] * down.shape[-1] + across.shape[-2] * across.shape[-1]
    return np.asarray(total / max(count, 1))


def high_frequency_share(maps: Array) -> float:
    """Share of the non-constant spectral energy of (..., H, W) above half the Nyquist frequency, over all maps.

    Radial frequency over 0.25 cycles a pixel of the two-dimensional Fourier transform; 0 when nothing varies.
    """
    maps = np.asarray(maps, np.float64)
    centred = maps - maps.mean(axis=(-2, -1), keepdims=True)
    energy = np.abs(np.fft.fft2(centred)) ** 2
    vertical = np.fft.fftfreq(maps.shape[-2])[:, None]
    horizontal = np.fft.fftfreq(maps.shape[-1])[None, :]
    fine = np.hypot(vertical, horizontal) > 0.25
    total = float(energy.sum())
    return float(energy[..., fine].sum()) / total if total > 0 else 0.0


def enlarge(maps: Array, size: tuple[int, int]) -> Array:
    """Bilinear interpolation with half-pixel centres of (..., h, w) to (..., H, W), edges held."""

    def weights(source: int, target: int) -> tuple[Array, Array, Array]:
        position = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
        lower = np.floor(position).astype(np.int64)
        return lower, np.minimum(lower + 1, source - 1), position - lower

    maps = np.asarray(maps, np.float64)
    top, bottom, down = weights(maps.shape[-2], size[0])
    left, right, across = weights(maps.shape[-1], size[1])
    rows = maps[..., top, :] * (1 - down)[:, None] + maps[..., bottom, :] * down[:, None]
    return np.asarray(rows[..., left] * (1 - across) + rows[..., right] * across)


def dilate(mask: Array, pixels: int) -> Array:
    """Grow a boolean (..., H, W) mask by ``pixels`` in every direction, diagonals included (Chebyshev distance)."""
    grown = np.asarray(mask, bool)
    for axis in (-2, -1):
        before = grown
        for shift in range(1, pixels + 1):
            for step in (shift, -shift):
                moved = np.roll(before, step, axis=axis)
                edge = [slice(None)] * moved.ndim
                edge[axis] = slice(0, step) if step > 0 else slice(step, None)
                moved[tuple(edge)] = False  # np.roll wraps round; nothing enters from outside the picture
                grown = grown | moved
    return grown


def band(mask: Array, pixels: int) -> Array:
    """The pixels outside a boolean (..., H, W) mask that lie within ``pixels`` of it."""
    mask = np.asarray(mask, bool)
    return dilate(mask, pixels) & ~mask


def _ranks(values: Array) -> Array:
    """Ranks from 1, ties sharing their mean rank."""
    values = np.asarray(values, np.float64)
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse])


def spearman(first: Array, second: Array) -> float:
    """Spearman's rank correlation of two sequences (ties share ranks); 0 where one of them is constant."""
    a, b = _ranks(first), _ranks(second)
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norm if norm > 0 else 0.0


def superiority(first: Array, second: Array) -> tuple[float, float]:
    """P(random ``first`` > random ``second``), ties half (Mann and Whitney's U / nm), and its null standard error.

    The standard error sqrt((n + m + 1) / (12 n m)) is that of the statistic where the two do not differ.
    """
    n, m = len(first), len(second)
    ranks = _ranks(np.concatenate([first, second]))
    share = (ranks[:n].sum() - n * (n + 1) / 2) / (n * m)
    return float(share), float(np.sqrt((n + m + 1) / (12 * n * m)))

"""RoiAlign and MaxRoiPool: regions of an image brought to one size."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from inspector.check.kernels.call import Array, Call

__all__ = ["max_roi_pool", "roi_align"]


class _Samples(NamedTuple):
    """Along one axis of one region, each (bins, samples): the pixels below and above, and their weights."""

    low: Array
    high: Array
    of_low: Array
    of_high: Array

    def matrix(self, size: int) -> Array:
        """(bins, size): the mean over the samples of each bin."""
        bins, samples = self.low.shape
        result = np.zeros((bins, size))
        rows = np.arange(bins)[:, None]
        np.add.at(result, (rows, self.low), self.of_low)
        np.add.at(result, (rows, self.high), self.of_high)
        mean: Array = result / max(samples, 1)
        return mean


def roi_align(
    call: Call,
    x: Array,
    rois: Array,
    batch_indices: Array,
    *,
    coordinate_transformation_mode: str | None = "half_pixel",
    mode: str | None = "avg",
    output_height: int | None = 1,
    output_width: int | None = 1,
    sampling_ratio: int | None = 0,
    spatial_scale: float | None = 1.0,
) -> Array:
    """(N, C, H, W) and regions (R, 4) as x1, y1, x2, y2 -> (R, C, output height, output width)."""
    half = call.opset >= 16 and str(coordinate_transformation_mode) == "half_pixel"
    bins = (int(output_height or 1), int(output_width or 1))
    result = np.zeros((len(rois), x.shape[1], *bins), dtype=x.dtype)
    for region, batch, into in zip(rois, batch_indices, result, strict=True):
        corners = region * (spatial_scale or 1.0) - (0.5 if half else 0.0)
        rows, columns = (
            _samples(corners[1 - axis], corners[3 - axis], size, bins[axis], int(sampling_ratio or 0), half)
            for axis, size in enumerate(x.shape[2:])
        )
        image = x[int(batch)]
        if mode == "avg":
            into[:] = rows.matrix(x.shape[2]) @ image @ columns.matrix(x.shape[3]).T
        else:
            into[:] = _largest(image, rows, columns, bins)
    return result


def _samples(start: float, end: float, size: int, bins: int, ratio: int, half: bool) -> _Samples:
    length = end - start if half else max(end - start, 1.0)
    count = ratio if ratio > 0 else int(np.ceil(length / bins))
    step = length / bins
    offsets = (np.arange(max(count, 0)) + 0.5) * step / max(count, 1)
    place = start + np.arange(bins)[:, None] * step + offsets
    inside = (place >= -1) & (place <= size)
    place = np.clip(place, 0, size - 1)
    low = np.floor(place).astype(np.int64)
    share = place - low
    return _Samples(low, np.minimum(low + 1, size - 1), (1 - share) * inside, share * inside)


def _largest(image: Array, rows: _Samples, columns: _Samples, bins: tuple[int, int]) -> Array:
    """The largest of the products of a pixel and its weight (so the runtime and the standard's reference have it)."""
    result = np.full((image.shape[0], *bins), -np.inf)
    sides = list(product((rows[::2], rows[1::2]), (columns[::2], columns[1::2])))
    for i, j in product(range(rows.low.shape[1]), range(columns.low.shape[1])):
        for (y, of_y), (x, of_x) in sides:
            pixels = image[:, y[:, i, None], x[None, :, j]]
            np.maximum(result, pixels * (of_y[:, i, None] * of_x[None, :, j]), out=result)
    return np.where(np.isinf(result), 0.0, result)


def max_roi_pool(
    _: Call, x: Array, rois: Array, *, pooled_shape: tuple[int, int], spatial_scale: float | None = 1.0
) -> Array:
    """(N, C, H, W) and regions (R, 5) as batch, x1, y1, x2, y2 -> (R, C, *pooled shape): the largest of each bin."""
    result = np.zeros((len(rois), x.shape[1], *pooled_shape), dtype=x.dtype)
    for region, into in zip(rois, result, strict=True):
        # halves away from zero, as in C
        scaled = region[1:] * (spatial_scale or 1.0)
        corners = (np.sign(scaled) * np.floor(np.abs(scaled) + 0.5)).astype(np.int64)
        edges = [
            _edges(int(corners[1 - axis]), int(corners[3 - axis]), x.shape[2 + axis], bins)
            for axis, bins in enumerate(pooled_shape)
        ]
        for (i, (top, bottom)), (j, (left, right)) in product(enumerate(edges[0]), enumerate(edges[1])):
            if top < bottom and left < right:
                into[:, i, j] = x[int(region[0]), :, top:bottom, left:right].max(axis=(1, 2))
    return result


def _edges(start: int, end: int, size: int, bins: int) -> list[tuple[int, int]]:
    step = max(end - start + 1, 1) / bins
    return [
        (
            int(np.clip(np.floor(i * step) + start, 0, size)),
            int(np.clip(np.ceil((i + 1) * step) + start, 0, size)),
        )
        for i in range(bins)
    ]

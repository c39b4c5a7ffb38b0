"""Resize and Upsample: along each axis, weighted sums of neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inspector.check.kernels.call import Array, Call
from inspector.check.kernels.sampling import cubic

__all__ = ["resize", "upsample"]


_Taps = tuple[Array, Array]
"""(neighbours, new size): the places of the elements that each new one is made of, and their weights."""

_FEW = 4
"""Neighbours that are summed one by one; more are quicker as a matrix."""


@dataclass(frozen=True)
class _Axis:
    """One axis to be resized: its sizes before and after, the scale between them, and the part of it that is read."""

    size: int
    new_size: int
    scale: float
    start: float = 0.0
    end: float = 1.0


def upsample(
    _: Call,
    data: Array,
    scales: Array | list[float] | None = None,
    *,
    mode: str | bytes | None = "nearest",
) -> Array:
    """Output element i is read at i / scale (ONNX operator specification, Upsample-9), rounded down or between its two
    neighbours. Of opset 7 `scales` is an attribute, later an input.
    """
    kind = mode.decode() if isinstance(mode, bytes) else mode
    for number, scale in enumerate(np.asarray(scales, dtype=np.float64)):
        size = data.shape[number]
        if scale == 1:
            continue
        axis = _Axis(size, int(np.floor(size * scale)), float(scale))
        places = _places(axis, "asymmetric", np.float64)
        near = np.floor(places) if kind == "nearest" else places
        data = _along(data, _interpolation(near, axis, "linear", 0.0, 1.0, excluded=False), number)
    return data


def resize(
    call: Call,
    data: Array,
    roi: Array | None = None,
    scales: Array | None = None,
    sizes: Array | None = None,
    *,
    antialias: int | None = 0,
    axes: Sequence[int] | None = None,
    coordinate_transformation_mode: str | None = None,
    cubic_coeff_a: float | None = None,
    exclude_outside: int | None = 0,
    extrapolation_value: float | None = 0.0,
    keep_aspect_ratio_policy: str | None = "stretch",
    mode: str | None = "nearest",
    nearest_mode: str | None = "round_prefer_floor",
) -> Array:
    """Each of the `axes` (all of them, where none are named) by its scale or to its size."""
    if call.opset < 11:
        # of opset 10: data and scales, read as Upsample reads
        return upsample(call, data, roi, mode=mode)
    along = [int(axis) % data.ndim for axis in (range(data.ndim) if axes is None else axes)]
    transformation = str(coordinate_transformation_mode or "half_pixel")
    crops = transformation == "tf_crop_and_resize"
    plan = _plan([data.shape[axis] for axis in along], scales, sizes, str(keep_aspect_ratio_policy))
    outside: list[tuple[int, Array]] = []
    for place, (number, axis) in enumerate(zip(along, plan, strict=True)):
        if axis.scale == 1:
            # (even where a part is cropped: so onnxruntime has it)
            continue
        if crops and roi is not None:
            start, end = float(roi[place]), float(roi[len(along) + place])
            axis = _Axis(axis.size, axis.new_size, axis.scale, start, end)
        places = _places(axis, transformation, np.float32 if mode == "nearest" else np.float64)
        if crops:
            outside.append((number, (places < 0) | (places > axis.size - 1)))
        if mode == "nearest":
            near = _NEAREST[str(nearest_mode)](places)
            taps = _interpolation(near, axis, "linear", 0.0, 1.0, excluded=False)
        else:
            a = -0.75 if cubic_coeff_a is None else cubic_coeff_a
            shrink = min(axis.scale, 1.0) if antialias else 1.0
            taps = _interpolation(places, axis, str(mode), a, shrink, excluded=bool(exclude_outside))
        data = _along(data, taps, number)
    for number, places in outside:
        filled = np.expand_dims(places, tuple(range(1, data.ndim - number)))
        data = np.where(filled, extrapolation_value or 0.0, data)
    return data


def _plan(before: Sequence[int], scales: Array | None, sizes: Array | None, policy: str) -> list[_Axis]:
    if sizes is None or not sizes.size:
        given = np.asarray(scales, dtype=np.float32)
        return [
            _Axis(size, int(np.floor(np.float32(size) * scale)), float(scale))
            for size, scale in zip(before, given, strict=True)
        ]
    ratios = [int(after) / size for size, after in zip(before, sizes, strict=True)]
    if policy == "stretch":
        return [
            _Axis(size, int(after), ratio) for size, after, ratio in zip(before, sizes, ratios, strict=True)
        ]
    common = min(ratios) if policy == "not_larger" else max(ratios)
    return [_Axis(size, int(np.floor(common * size + 0.5)), common) for size in before]


def _places(axis: _Axis, transformation: str, precision: type[np.floating[Any]]) -> Array:
    """Where in the axis each new element is read (ONNX operator specification, Resize-19)."""
    # runtimes compute in single precision, and which pixel is the nearest may hang on the last bit
    i = np.arange(axis.new_size, dtype=precision)
    n, m, scale = precision(axis.size), precision(axis.new_size), precision(axis.scale)
    start, end = precision(axis.start), precision(axis.end)
    half, one = precision(0.5), precision(1)
    place: Array
    if transformation == "tf_crop_and_resize":
        middle = half * (start + end) * (n - one)
        place = start * (n - one) + i * (end - start) * (n - one) / (m - one) if m > 1 else middle + i
    elif m == 1 and transformation in ("pytorch_half_pixel", "align_corners"):
        place = i
    elif transformation == "align_corners":
        place = i * (n - one) / (m - one)
    elif transformation == "asymmetric":
        place = i / scale
    elif transformation == "tf_half_pixel_for_nn":
        place = (i + half) / scale
    elif transformation == "half_pixel_symmetric":
        place = n / 2 * (one - m / (scale * n)) + (i + half) / scale - half
    else:
        place = (i + half) / scale - half
    return place


_NEAREST: dict[str, Callable[[Array], Array]] = {
    "floor": np.floor,
    "ceil": np.ceil,
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
}


def _interpolation(
    places: Array, axis: _Axis, mode: str, a: float, shrink: float, *, excluded: bool
) -> _Taps:
    """The neighbours of each place and their weights.

    Neighbours beyond the axis are its first or last element, or left out where they are `excluded`. Against aliasing
    the kernel is as much wider as the axis shrinks.
    """
    reach = int(np.ceil((1 if mode == "linear" else 2) / shrink))
    index = np.floor(places) + np.arange(1 - reach, reach + 1)[:, None]
    weight = _kernel((places - index) * shrink, mode, a)
    if excluded:
        weight = np.where((index >= 0) & (index < axis.size), weight, 0)
    if excluded or shrink < 1:
        weight = weight / weight.sum(axis=0)
    return np.clip(index, 0, axis.size - 1).astype(np.int64), weight


def _kernel(distance: Array, mode: str, a: float) -> Array:
    """The tent, or the cubic."""
    d: Array = np.abs(distance)
    if mode == "linear":
        tent: Array = np.maximum(1 - d, 0)
        return tent
    return cubic(d, a)


def _along(data: Array, taps: _Taps, axis: int) -> Array:
    """`data` with its `axis` replaced by the weighted sums of the neighbours."""
    result: Array
    if len(taps[0]) > _FEW:
        matrix = np.zeros((taps[0].shape[1], data.shape[axis]))
        for index, weight in zip(*taps, strict=True):
            matrix[np.arange(len(index)), index] += weight
        result = np.moveaxis(np.moveaxis(data, axis, -1) @ matrix.T, -1, axis)
        return result
    behind = (1,) * (data.ndim - 1 - axis)
    result = np.zeros((*data.shape[:axis], taps[0].shape[1], *data.shape[axis + 1 :]), dtype=data.dtype)
    for index, weight in zip(*taps, strict=True):
        if weight.any():
            # (clipping costs no check of the indices, which lie within)
            result += data.take(index, axis, mode="clip") * weight.reshape(-1, *behind)
    return result

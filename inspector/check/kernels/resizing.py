"""Enlarging by whole-tensor scales."""

from __future__ import annotations

import numpy as np

from inspector.check.kernels.call import Array, Call

__all__ = ["upsample"]


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
    for axis, scale in enumerate(np.asarray(scales, dtype=np.float64)):
        size = data.shape[axis]
        if scale == 1:
            continue
        places = np.arange(int(np.floor(size * scale))) / scale
        low = np.minimum(np.floor(places).astype(np.int64), size - 1)
        lower = data.take(low, axis)
        if mode in ("linear", b"linear"):
            share = np.expand_dims(places - low, tuple(range(1, data.ndim - axis)))
            lower = lower + share * (data.take(np.minimum(low + 1, size - 1), axis) - lower)
        data = lower
    return data

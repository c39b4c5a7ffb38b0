"""Padding and cropping."""

from __future__ import annotations

from typing import Any

import numpy as np

from inspector.check.kernels.call import Array, Call

__all__ = ["pad"]


def pad(
    _: Call,
    data: Array,
    pads: Array | list[int],
    constant: Array | None = None,
    axes: Array | None = None,
    *,
    mode: str | None = "constant",
    value: float | None = None,
) -> Array:
    """Widths below zero crop. Before opset 11 `pads` and `value` are attributes."""
    along = [int(axis) % data.ndim for axis in (range(data.ndim) if axes is None else axes)]
    half = len(pads) // 2
    widths = [(0, 0)] * data.ndim
    for axis, begin, end in zip(along, pads[:half], pads[half:], strict=True):
        widths[axis] = (int(begin), int(end))
    crop = tuple(
        slice(max(-begin, 0), size - max(-end, 0))
        for (begin, end), size in zip(widths, data.shape, strict=True)
    )
    border = [(max(begin, 0), max(end, 0)) for begin, end in widths]
    if mode in (None, "constant"):
        fill = constant.item() if constant is not None and constant.size else value or 0
        return np.pad(data[crop], border, constant_values=fill)
    kind: Any = mode
    result: Array = np.pad(data[crop], border, mode=kind)
    return result

"""Enlarging a map to the input's size by half-pixel linear interpolation, along any number of axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["upsample"]


def upsample(maps: NDArray[np.floating], size: Sequence[int]) -> NDArray[np.floating]:
    """Resize the axes after the first to `size`.

    Pixel i of n covers [i, i + 1) / n of the picture, so its centre lies at (i + 1/2) / n: output pixel j samples the
    map at (j + 1/2) * n_in / n_out - 1/2, held constant beyond the outermost centres (`align_corners=False` in PyTorch,
    `half_pixel` in ONNX). A peak stays where it was; corner-aligned resizing moves it by up to half a cell.

    Args:
        maps: (N, ...), one axis per entry of `size`.
        size: lengths to resize to.

    Returns:
        An array of its own, in C order.
    """
    if maps.ndim != len(size) + 1:
        raise ValueError(f"maps of shape {maps.shape} cannot be resized to {tuple(size)}")
    large = np.array(maps, order="C")
    # the last axis first: what the others then move are whole lines
    for axis, length in reversed(list(enumerate(size, start=1))):
        given = large.shape[axis]
        if given != length:
            matrix = _interpolation(given, length).astype(large.dtype)
            before, behind = large.shape[:axis], large.shape[axis + 1 :]
            lines = large.reshape(math.prod(before), given, math.prod(behind))
            moved = matrix @ lines if behind else lines[:, :, 0] @ matrix.T
            large = moved.reshape(*before, length, *behind)
    return large


@lru_cache(maxsize=64)
def _interpolation(given: int, wanted: int) -> NDArray[np.float64]:
    """The (wanted, given) matrix of linear interpolation between pixel centres."""
    places = np.clip((np.arange(wanted) + 0.5) * given / wanted - 0.5, 0, given - 1)
    left = np.minimum(np.floor(places).astype(int), max(given - 2, 0))
    share = places - left
    matrix = np.zeros((wanted, given))
    rows = np.arange(wanted)
    matrix[rows, left] += 1 - share
    matrix[rows, np.minimum(left + 1, given - 1)] += share
    matrix.flags.writeable = False
    return matrix

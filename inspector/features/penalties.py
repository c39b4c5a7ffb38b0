"""What is held against an image: its distance from grey, and its roughness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inspector.features.canvas import Images

__all__ = ["distance", "roughness"]

# keeps the gradient of a length finite where it is zero; of 256 grey levels a quarter of one
SOFTENING = 1e-3


def distance(amounts: Images) -> tuple[NDArray[np.float64], Images]:
    """Half the sum of squares of the distance from mid grey, and its gradient.

    The norm of Simonyan et al., "Deep Inside Convolutional Networks", 2013, eq. 1.

    Args:
        amounts: (n, C, spatial...), the range being from 0 to 1.

    Returns:
        (n,) and, shaped as `amounts`, the gradient.
    """
    away = amounts - 0.5
    return 0.5 * np.square(away, dtype=np.float64).reshape(len(away), -1).sum(axis=1), away


def roughness(amounts: Images) -> tuple[NDArray[np.float64], Images]:
    """Total variation: the lengths of the differences between neighbours, summed, and its gradient.

    Mahendran & Vedaldi, "Understanding Deep Image Representations by Inverting Them", CVPR 2015, eq. 4 with beta = 1,
    with 1e-6 added under the root, which makes it smooth; per channel, along any number of spatial axes.
    """
    axes = range(2, amounts.ndim)
    steps = {axis: np.diff(amounts, axis=axis, append=_last(amounts, axis)) for axis in axes}
    square = np.full(amounts.shape, SOFTENING**2, dtype=amounts.dtype)
    for change in steps.values():
        square += change * change
    length = np.sqrt(square)
    gradient = np.zeros_like(amounts)
    for axis, change in steps.items():
        share = change / length
        gradient -= share
        # what leaves a pixel arrives at the next; the last step of all has length 0
        gradient += np.roll(share, 1, axis=axis)
    total = (length - SOFTENING).reshape(len(amounts), -1).sum(axis=1, dtype=np.float64)
    return total, gradient


def _last(amounts: Images, axis: int) -> Images:
    return np.take(amounts, [-1], axis=axis)

"""Colours whose channels are as correlated as those of photographs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inspector.features.canvas import Images

__all__ = ["coordinates", "correlated", "uncorrelated"]

# the square root of the colour covariance of ImageNet's photographs, red, green, blue, as measured by lucid
# (tensorflow/lucid, optvis/param/color.py, Apache 2.0) for Olah et al., "Feature Visualization", Distill 2017
ROOT = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
# its longest column has length 1
MATRIX = ROOT / np.linalg.norm(ROOT, axis=0).max()


def correlated(axes: Images, channels: str | None) -> Images:
    """Colours (n, 3, spatial...) whose coordinates along the principal colours of photographs are `axes`.

    Args:
        axes: how light, how orange against blue, how green against magenta.
        channels: "BGR" where that is the order; else red comes first.
    """
    return _times(_ordered(channels), axes)


def uncorrelated(gradient: Images, channels: str | None) -> Images:
    """The adjoint of `correlated`: from a gradient at the colours to that at the coordinates."""
    return _times(_ordered(channels).T, gradient)


def coordinates(colours: Images, channels: str | None) -> Images:
    """The inverse of `correlated`."""
    return _times(np.asarray(np.linalg.inv(_ordered(channels)), np.float64), colours)


def _ordered(channels: str | None) -> NDArray[np.float64]:
    ordered: NDArray[np.float64] = MATRIX[::-1] if channels == "BGR" else MATRIX
    return ordered


def _times(matrix: NDArray[np.float64], images: Images) -> Images:
    flat = images.reshape(len(images), 3, -1)
    return (matrix.astype(images.dtype) @ flat).reshape(images.shape)

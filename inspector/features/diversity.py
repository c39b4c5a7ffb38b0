"""How alike several images are to a layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["similarity"]


def similarity(values: NDArray[np.floating]) -> tuple[float, NDArray[np.float64]]:
    """The mean over pairs of images of the cosine between their Gram matrices, and its gradient.

    The diversity term of Olah, Mordvintsev & Schubert, "Feature Visualization", Distill 2017, appendix, with a minus:
    G_i = F_i F_iᵀ for the feature map F_i (channels, places); the mean over i != j of <G_i, G_j> / (|G_i| |G_j|).

    Args:
        values: (n, C, places) of at least two images.

    Returns:
        a number in [0, 1] (Gram matrices are positive semidefinite), and its gradient, shaped as `values`.
    """
    maps = values.astype(np.float64)
    count = len(maps)
    gram = maps @ maps.transpose(0, 2, 1)
    length = np.sqrt((gram**2).sum(axis=(1, 2), keepdims=True))
    unit = np.divide(gram, length, out=np.zeros_like(gram), where=length > 0)
    others = unit.sum(axis=0) - unit
    pairs = count * (count - 1)
    cosines = (unit * others).sum(axis=(1, 2), keepdims=True)
    # of a cosine only what is at right angles to the matrix itself changes it
    change = np.divide(others - cosines * unit, length, out=np.zeros_like(gram), where=length > 0)
    # a pair is met twice, and G changes by dF Fᵀ + F dFᵀ
    return float(cosines.sum() / pairs), 4 / pairs * change @ maps

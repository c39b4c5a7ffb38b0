"""Random pictures with structure at every scale.

White noise averages out on its way through a network, so that deep statistics fitted to it are nearly constant, and
batch normalisation by them magnifies rounding errors as no trained network does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["pictures", "white"]


def pictures(count: int, size: int, channels: int = 3, seed: int = 7) -> NDArray[np.float32]:
    """(count, channels, size, size) of about unit variance, each of its own contrast."""
    rng = np.random.default_rng(seed)
    total: NDArray[Any] = np.zeros((count, channels, size, size))
    grain = size
    while grain >= 1:
        cells = -(-size // grain)
        coarse = rng.standard_normal((count, channels, cells, cells))
        total += np.kron(coarse, np.ones((grain, grain)))[:, :, :size, :size]
        grain //= 2
    contrast = rng.uniform(0.5, 2, (count, 1, 1, 1))
    scaled: NDArray[np.float32] = (contrast * total / total.std()).astype(np.float32)
    return scaled


def white(count: int, size: int, channels: int = 3, seed: int = 7) -> NDArray[np.float32]:
    """(count, channels, size, size) of independent normal pixels: the hard case."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, channels, size, size)).astype(np.float32)

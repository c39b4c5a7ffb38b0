"""The first principal component of maps over their channels, linear or of a kernel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inspector.explain.relevance import Maps

__all__ = ["first_component", "kernel_component"]


def first_component(maps: Maps, centred: bool = True) -> Maps:
    """(N, C, spatial...) to (N, spatial...): each place's channels projected on their first principal direction.

    A singular vector's sign is arbitrary: it is chosen so that the projection goes with the sum of the channels (a
    scalar product of at least 0), and where it is at right angles to it, so that its largest magnitude is positive.

    Args:
        maps: any channels.
        centred: each channel's mean over the places is subtracted first (principal components); else the first right
            singular vector is taken as it is.
    """
    count, channels = maps.shape[:2]
    table = maps.reshape(count, channels, -1).transpose(0, 2, 1).astype(np.float64)
    total = table.sum(axis=2)
    if centred:
        table = table - table.mean(axis=1, keepdims=True)
    _, _, right = np.linalg.svd(table, full_matrices=False)
    along: NDArray[np.float64] = np.einsum("npc,nc->np", table, right[:, 0])
    return _turned(along, total).reshape(count, *maps.shape[2:]).astype(maps.dtype)


def kernel_component(maps: Maps, gamma: float | None = None) -> Maps:
    """(N, C, spatial...) to (N, spatial...): the first component of kernel principal component analysis (Schölkopf et
    al., 1998) with the sigmoid kernel tanh(gamma <a, b> + 1) of the places' channels, less their means.

    Its sign is chosen as for `first_component`.

    Args:
        maps: any channels.
        gamma: of the kernel; None: one divided by the number of channels.
    """
    from scipy.linalg import eigh

    count, channels = maps.shape[:2]
    table = maps.reshape(count, channels, -1).transpose(0, 2, 1).astype(np.float64)
    total = table.sum(axis=2)
    table = table - table.mean(axis=1, keepdims=True)
    gram = np.tanh((gamma or 1 / channels) * (table @ table.transpose(0, 2, 1)) + 1)
    gram += gram.mean(axis=(1, 2), keepdims=True) - 2 * gram.mean(axis=1, keepdims=True)
    last = gram.shape[1] - 1
    along = np.empty_like(total)
    for row, each in enumerate((gram + gram.transpose(0, 2, 1)) / 2):
        value, vector = eigh(each, subset_by_index=[last, last])
        # a kernel that is not positive may have no positive eigenvalue
        along[row] = np.sqrt(max(value[0], 0.0)) * vector[:, 0]
    return _turned(along, total).reshape(count, *maps.shape[2:]).astype(maps.dtype)


def _turned(along: NDArray[np.float64], total: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, places) both: `along` with the sign that goes with `total`."""
    agreement = np.einsum("np,np->n", along, total)
    peak = np.take_along_axis(along, np.abs(along).argmax(axis=1)[:, None], axis=1)[:, 0]
    # rounding alone makes no direction
    clear = np.abs(agreement) > 1e-12 * np.linalg.norm(along, axis=1) * np.linalg.norm(total, axis=1)
    side = np.where(np.where(clear, agreement, peak) < 0, -1.0, 1.0)
    turned: NDArray[np.float64] = side[:, None] * along
    return turned

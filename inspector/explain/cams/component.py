"""The first principal component of maps over their channels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inspector.explain.relevance import Maps

__all__ = ["first_component"]


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
    agreement = np.einsum("np,np->n", along, total)
    peak = np.take_along_axis(along, np.abs(along).argmax(axis=1)[:, None], axis=1)[:, 0]
    # rounding alone makes no direction
    clear = np.abs(agreement) > 1e-12 * np.linalg.norm(along, axis=1) * np.linalg.norm(total, axis=1)
    side = np.where(np.where(clear, agreement, peak) < 0, -1.0, 1.0)
    return (side[:, None] * along).reshape(count, *maps.shape[2:]).astype(maps.dtype)

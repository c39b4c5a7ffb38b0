"""Splitting a class in two sides without an image and its copy ending up on different ones.

Twins are images whose pixels are all equal, colour included. Near-copies (the same line one pixel further) are not
twins: telling what they show from where they stand is what a network is to learn. A twin in the training set
would make a test image a question whose answer was given beforehand.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["distinct", "split_grouped", "twins"]


def distinct(images: NDArray[Any]) -> NDArray[np.int64]:
    """Number equal images alike: int64 (N,), from 0, in the order of first appearance."""
    numbers: dict[bytes, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in _keys(images)], np.int64)


def twins(train: NDArray[Any], test: NDArray[Any]) -> NDArray[np.bool_]:
    """For each test image whether a training image has exactly its pixels: bool (N,). Compares, assumes nothing."""
    seen = set(_keys(train))
    return np.array([key in seen for key in _keys(test)], np.bool_)


def split_grouped(groups: NDArray[np.int64], share: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """Choose whole groups at random so that `share` of all members, or as near as groups allow, is chosen.

    Args:
        groups: (N,) the group of each member, numbered from 0.
        share: of the members to choose, between 0 and 1. At least one member stays on either side if there are two
            groups or more.
        random: decides which groups are preferred.

    Returns:
        bool (N,), true for members of chosen groups.
    """
    sizes = np.bincount(groups)
    order = random.permutation(sizes.size)
    # reachable[i] has bit s set if some of the first i groups have s members together
    reachable = [1]
    for group in order:
        reachable.append(reachable[-1] | reachable[-1] << int(sizes[group]))
    wanted = share * groups.size
    total = min(
        (s for s in range(1, groups.size) if reachable[-1] >> s & 1),
        key=lambda s: abs(s - wanted),
        default=groups.size,
    )
    chosen = np.zeros(sizes.size, np.bool_)
    for i in range(order.size, 0, -1):
        if not reachable[i - 1] >> total & 1:
            chosen[order[i - 1]] = True
            total -= int(sizes[order[i - 1]])
    return chosen[groups]


def _keys(images: NDArray[Any]) -> list[bytes]:
    """A 128-bit digest of each image's pixels."""
    return [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images]

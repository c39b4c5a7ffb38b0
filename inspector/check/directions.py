"""The directions in which a gradient is compared with finite differences."""

from __future__ import annotations

import numpy as np

from inspector.check.stencil import Array

__all__ = ["choose_directions", "keep_equal"]


def choose_directions(gradient: Array, random: np.random.Generator, count: int, elements: int) -> Array:
    """(count + elements, *shape): random directions, then single elements.

    A purely random direction z may have <g, z> near zero, where a relative error means nothing. So each is
    z + c sign(<g, z>) g/|g|, in which |<g, v>| >= c |g|: with c = 2 in the odd ones, about as sensitive as z to any
    error in the gradient, and with c = sqrt(n)/4 in the even ones, where rounding weighs least. z has all elements
    different from zero, so that nothing missing from g goes unseen.

    The elements are those with the largest gradient, if any has one.
    """
    size = gradient.size
    flat = gradient.reshape(-1)
    norm = float(np.linalg.norm(flat))
    rows = random.standard_normal((count, size))
    if norm > 0 and np.isfinite(norm):
        unit = flat / norm
        pull = np.where(np.arange(count) % 2, max(2.0, np.sqrt(size) / 4), 2.0)
        signs = np.where(rows @ unit < 0, -1.0, 1.0)
        rows += (pull * signs)[:, None] * unit
    largest = np.argsort(-np.abs(flat), kind="stable")[: min(elements, size)]
    largest = largest[flat[largest] != 0] if flat.any() else largest
    singles = np.zeros((len(largest), size))
    singles[np.arange(len(largest)), largest] = 1
    return np.concatenate([rows, singles]).reshape(-1, *gradient.shape)


def keep_equal(values: Array, random: np.random.Generator, count: int) -> Array:
    """(count, *shape): random directions in which equal elements move alike.

    A plain background stays plain, so that the equal values in a maximum stay equal, and the score has a slope along
    them even where it has no gradient. In the even ones the most frequent value does not move either: what is zero in
    front of a ReLU stays zero.
    """
    distinct, which, frequency = np.unique(values, return_inverse=True, return_counts=True)
    moves = random.standard_normal((count, len(distinct)))
    moves[1::2, int(np.argmax(frequency))] = 0
    return moves[:, which.reshape(-1)].reshape(count, *values.shape)

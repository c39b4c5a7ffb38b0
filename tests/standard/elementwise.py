"""Finite differences element by element, for functions whose elements each want a step, or a kink, of their own.

Random directions move all elements at once: one that lies on a kink or on the edge of the domain (Acosh at 1) hides all
the others. The standard's cases are small enough to move one element at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .tensors import Array

__all__ = ["Count", "compare_elements"]

STEPS = (1e-2, 1e-3, 1e-4, 1e-5)
"""Shares of an element's magnitude."""
TOLERANCE = 1e-6
MOST = 200
"""Elements that are looked at; of more, a random choice."""
EPS = float(np.finfo(np.float64).eps)


@dataclass
class Count:
    """How many elements agree, lie at a kink or at the edge of the domain, and disagree."""

    agree: int = 0
    kinks: int = 0
    undefined: int = 0
    wrong: int = 0
    worst: str = ""
    moving: int = 0
    """Elements with a difference that is not zero."""


def compare_elements(
    score: Callable[[Array], float], point: Array, gradient: Array, terms: float, *, whole: bool = True
) -> Count:
    """Compare each element of `gradient` with differences of `score` at `point`.

    Args:
        score: of the value of the tensor.
        point: float64.
        gradient: of the shape of `point`.
        terms: sum of the magnitudes of the terms of the score: its rounding error is some eps times that.
        whole: whether every element of the results is a number. Of an element that moves only those that are none, the
            score says nothing, and the gradient is rightly none either.
    """
    flat, claimed = point.reshape(-1), gradient.reshape(-1)
    places = np.flatnonzero(np.isfinite(flat))
    if len(places) > MOST:
        places = np.random.default_rng(1).choice(places, MOST, replace=False)
    largest = float(np.abs(flat[np.isfinite(flat)]).max(initial=0.0)) or 1.0
    floor = max(0.1 * largest, 1e-3) if largest < 1e3 else 1.0
    count = Count()
    middle = score(point)
    for place in places:

        def at(move: float, place: int = int(place)) -> float:
            moved = flat.copy()
            moved[place] += move
            return score(moved.reshape(point.shape))

        if not whole and np.isnan(claimed[place]):
            count.undefined += 1
            continue
        _judge(count, int(place), float(claimed[place]), at, middle, max(abs(flat[place]), floor), terms)
    return count


def _judge(
    count: Count,
    place: int,
    claim: float,
    at: Callable[[float], float],
    middle: float,
    size: float,
    terms: float,
) -> None:
    slopes: list[tuple[float, float]] = []
    noise = 0.0
    for share in STEPS:
        h = share * size
        values = np.array([at(-2 * h), at(-h), middle, at(h), at(2 * h)])
        noise = 50 * EPS * max(terms, float(np.abs(values).max())) / h
        if not np.isfinite(values).all():
            continue
        left = float(values @ [1, -4, 3, 0, 0]) / (2 * h)
        right = float(values @ [0, 0, -3, 4, -1]) / (2 * h)
        slopes.append((left, right))
        slope = float(values @ [1, -8, 0, 8, -1]) / (12 * h)
        if abs(slope - claim) <= TOLERANCE * max(abs(slope), abs(claim)) + noise:
            count.agree += 1
            count.moving += abs(slope) > noise
            return
    # a step: the two sides do not meet, so their distance over the step grows as the step shrinks
    steep = [max(abs(left), abs(right)) for left, right in slopes]
    if not slopes or (len(slopes) > 1 and steep[-1] > 5 * steep[-2] > 25 * noise):
        count.undefined += 1
        return
    (coarse_left, coarse_right), (left, right) = slopes[-2:] if len(slopes) > 1 else (slopes[0], slopes[0])
    # a kink: the slopes on both sides differ however near one looks; any value between them will do
    jump, before = abs(right - left), abs(coarse_right - coarse_left)
    low, high = min(left, right), max(left, right)
    slack = 1e-3 * max(abs(low), abs(high))
    if (
        jump > 1e-3 * max(abs(low), abs(high))
        and jump > 0.5 * before
        and low - slack <= claim <= high + slack
    ):
        count.kinks += 1
        return
    count.wrong += 1
    count.worst = f"element {place}: {claim:.6g}, and differences give {left:.6g} and {right:.6g}"

"""The straight line from a baseline to the input, and what is averaged along it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError
from inspector.explain.subject import Subject, Variant
from inspector.session import Array

__all__ = [
    "Quadrature",
    "along",
    "at_least",
    "changes",
    "gap_notes",
    "mean_gradient",
    "positive",
    "quadrature",
]

Quadrature = Literal["gauss-legendre", "midpoint"]

# Sundararajan et al., section 5: "within 5%", else more steps
LARGE_GAP = 0.05


def quadrature(rule: Quadrature, steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points in [0, 1] and their weights, which add up to 1, to integrate a function over [0, 1].

    "gauss-legendre" is exact for polynomials up to degree 2 * steps - 1; "midpoint" is for functions with many kinks.

    Raises:
        InputError: there is no such rule, or no step.
    """
    positive(steps=steps)
    if rule == "gauss-legendre":
        points, weights = np.polynomial.legendre.leggauss(steps)
        return (points + 1) / 2, weights / 2
    if rule == "midpoint":
        return (np.arange(steps) + 0.5) / steps, np.full(steps, 1 / steps)
    raise InputError(f"an integral is taken by {' or '.join(get_args(Quadrature))}, not '{rule}'")


def along(subject: Subject, baseline: Array, points: NDArray[np.float64]) -> Iterator[Variant]:
    """Each sample at each point of its line, sample by sample: 0 is the baseline, 1 the input."""
    for row, (start, end) in enumerate(zip(baseline, subject.x, strict=True)):
        for point in points:
            yield row, (start + point * (end.astype(np.float64) - start)).astype(end.dtype)


def mean_gradient(
    subject: Subject,
    baseline: Array,
    points: NDArray[np.float64],
    weights: NDArray[np.float64],
    wrt: str,
    folded: Callable[[Array], NDArray[np.floating]] = np.asarray,
) -> NDArray[np.float64]:
    """The weighted sum of the gradients at `wrt` at the points of each sample's line.

    Args:
        subject: the score as a function of what is moved.
        baseline: (N, ...), where the lines start.
        points, weights: of `quadrature`.
        wrt: the tensor that the gradients are taken at.
        folded: its values -> (N, ...).
    """
    total: NDArray[np.float64] | None = None
    place = 0
    count = len(subject.x) * len(points)
    for rows, found in subject.gradients(along(subject, baseline, points), count, [wrt]):
        gradients = folded(found.gradients[wrt])
        if total is None:
            total = np.zeros((len(subject.x), *gradients.shape[1:]))
        for row, gradient in zip(rows, gradients, strict=True):
            total[row] += weights[place % len(points)] * gradient
            place += 1
    assert total is not None
    return total


def changes(subject: Subject, baseline: Array) -> NDArray[np.float64]:
    """(N,): how much higher each sample's score is than its baseline's."""
    return subject.score - subject.at(baseline, range(len(baseline))).score


def gap_notes(
    attributed: NDArray[np.float64], changed: NDArray[np.float64], advice: str, start: str = "the baseline's"
) -> tuple[str, ...]:
    """A note for each sample whose attributions do not add up to the change of the score.

    Args:
        attributed: (N,), the sums.
        changed: (N,), what they should be.
        advice: what to do about it.
        start: whose score the change is counted from.
    """
    return tuple(
        f"image {number + 1}: the attributions add up to {total:.4g}, while the score is {change:.4g} above {start} "
        f"(completeness gap {total - change:.2g}): {advice}"
        for number, (total, change) in enumerate(zip(attributed, changed, strict=True))
        if abs(total - change) > LARGE_GAP * abs(change) + 1e-6
    )


def at_least(low: float, **numbers: float) -> None:
    """InputError where one of `numbers` is no number, or below `low`."""
    for name, number in numbers.items():
        known = isinstance(number, int | float | np.number) and not isinstance(number, bool)
        if not known or not number >= low:
            raise InputError(f"{name} is a number from {low:g} upwards, not {number!r}")


def positive(**numbers: int) -> None:
    """InputError where one of `numbers` is no positive integer."""
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 1:
            raise InputError(f"{name} is a positive integer, not {number!r}")

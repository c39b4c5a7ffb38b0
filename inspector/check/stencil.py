"""Slopes of a piecewise smooth function along given directions, from its values alone.

The score of a network is smooth between kinks (a ReLU's zero, two equal values in a maximum), and float64 rounding
leaves a few parts in 1e16 of noise in it. With f(t) the score at `point + t * scale * direction`, five values at
t = -2h, -h, 0, h, 2h give

* the slope by the central difference of fourth order, (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h (Abramowitz &
  Stegun 25.3.6). Its error is h^4 f'''''/30, negligible for every h used here, plus 1.5 noise / h;
* four one-sided slopes, one per interval. On a smooth function they change by the same amount, h f'', from each
  interval to the next (up to h^2 f'''). A kink anywhere between the outer points breaks that: its jump enters one of
  the three changes, or two in unequal shares. So the spread of the three changes is what tells a kink.

The gradient under test has no part in that decision, so a wrong gradient of a smooth function cannot be taken for a
kink. A jump below the spread allowed (2e-7 of the slope and the noise) is not seen, and moves the slope by no more.

The step starts at 1e-6 of the tensor's largest magnitude, near the optimum eps^(1/3) of a central difference. A network
with n units near zero has a kink every 1/n of their spread: while there is one between the points the step shrinks,
while rounding hides the slope it grows, by 10 each time and never in both directions.

A network of millions of units has kinks between the points at every step that rounding allows, each too small to
matter. What they and rounding can have moved a slope by is then its tolerance: twice the largest difference between
the one-sided slopes (a kink between the outer points shows in it with all of its jump), and ten times the rounding
error. Of the steps tried the one with the least counts. Above 1e-3 of the slope the direction is given up and says so:
`kink`, or `noise`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Score", "Slope", "line_points", "measure_noise", "measure_slopes"]

Array = NDArray[Any]
Score = Callable[[Array], Array]
"""K values of the tensor, (K, *shape) -> K scores, (K,)."""

START, LARGEST, SMALLEST = -6, -3, -9
"""Decimal exponents of the step, as a share of the tensor's scale."""
MOST_STEPS = 1 + max(LARGEST - START, START - SMALLEST)
"""Steps that a direction takes at most from the first one on."""
FEWEST = 3
"""Directions that are followed to their ends however few evaluations are allowed."""
POINTS = np.array([-2.0, -1.0, 1.0, 2.0])
TOLERANCE = 1e-6
RESOLVED = 1e-7
"""Rounding error of a slope, as a share of it, below which it is good enough to be compared to 1e-6."""
BEND = 2e-7
"""Departure from evenly changing one-sided slopes, as a share of the slope, that is no kink."""
COARSEST = 1e-3
"""Relative tolerance above which a comparison would say too little."""
_MEMORY = 64 * 2**20
"""Bytes of points made at a time."""
EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Slope:
    """The slope along one direction, per unit of `scale * direction`.

    Attributes:
        kind: `smooth` (to be compared), `kink` or `noise` (given up), `unfinished` (no evaluations were left for it).
        value: the slope; of a kink, the mean over the last interval.
        tolerance: relative difference from a right gradient that it may show.
        step: the step h.
    """

    kind: Literal["smooth", "kink", "noise", "unfinished"]
    value: float
    tolerance: float
    step: float


UNFINISHED = Slope("unfinished", float("nan"), float("inf"), float("nan"))


@dataclass
class _Search:
    """Where the search for a step stands in one direction.

    Attributes:
        served: the first step is one that served another direction: where it does here too, no better one is sought.
    """

    exponent: int = START
    served: bool = False
    growing: bool | None = None
    best: Slope | None = None
    jump: float = float("nan")

    @property
    def step(self) -> float:
        return 10.0**self.exponent


def measure_noise(
    score: Score,
    point: Array,
    here: float,
    scale: float,
    random: np.random.Generator,
    eps: float = EPS,
    copies: int = 7,
) -> float:
    """How much rounding moves the score: its spread over copies of the point moved by some units in the last place.

    The move itself changes the score by parts in 1e16 of its slope, no more than rounding does. Never less than eps
    times the score, which at the point itself is `here`.
    """
    moves = random.uniform(-2 * eps * scale, 2 * eps * scale, (copies, *point.shape))
    values = np.append(score(point + moves), here)
    spread = float(np.ptp(values)) if np.isfinite(values).all() else float("inf")
    return max(spread, eps * float(np.abs(values).max()))


def measure_slopes(
    score: Score,
    point: Array,
    here: float,
    directions: Array,
    claims: Array,
    scale: float,
    noise: float,
    allowed: float = float("inf"),
) -> list[Slope]:
    """The slope of `score` along each direction.

    Where the evaluations allowed may not suffice for all steps of all directions, one direction is followed to its end
    before the next, which then starts at the step that served the last: kinks are about as dense in all of them.

    Args:
        score: the function.
        point: (*shape), float64.
        here: the score at the point.
        directions: (D, *shape), elements of order 1.
        claims: (D,) what the gradient says; used only to tell when rounding is small enough to compare.
        scale: magnitude of the point's elements: steps are relative to it.
        noise: absolute rounding noise of the score, from `measure_noise`.
        allowed: evaluations of the score. The first `FEWEST` directions are followed to their ends anyway.
    """
    searches = [_Search() for _ in directions]
    slopes: list[Slope | None] = [None] * len(searches)
    enough = allowed >= MOST_STEPS * len(POINTS) * len(directions)
    together = max(1, _MEMORY // (len(POINTS) * point.nbytes)) if enough else 1
    while pending := [i for i, slope in enumerate(slopes) if slope is None]:
        if allowed < len(POINTS) and len(slopes) - len(pending) >= FEWEST:
            break
        some = pending[:together]
        values = score(line_points(point, directions[some], POINTS, [searches[i].step * scale for i in some]))
        allowed -= len(values)
        for i, four in zip(some, values.reshape(len(some), -1), strict=True):
            found = _judge(searches[i], np.insert(four, 2, here), abs(float(claims[i])), noise)
            slopes[i] = found
            if found is not None and found.kind == "smooth" and not enough:
                for later in pending[together:]:
                    searches[later] = _Search(round(np.log10(found.step)), served=True)
    return [slope or _unfinished(search) for slope, search in zip(slopes, searches, strict=True)]


def _unfinished(search: _Search) -> Slope:
    return search.best if search.best is not None and search.best.kind == "smooth" else UNFINISHED


def line_points(point: Array, directions: Array, multiples: Array, steps: Sequence[float]) -> Array:
    """`point + multiple * step * direction`: (D * len(multiples), *shape), the multiples of a direction together."""
    offsets = np.outer(steps, multiples).reshape(-1, *(1,) * point.ndim)
    points: Array = point + offsets * np.repeat(directions, len(multiples), axis=0)
    return points


def _judge(search: _Search, f: Array, claim: float, noise: float) -> Slope | None:
    """Decide a direction, or set its next step and return None."""
    h = search.step
    one_sided = np.diff(f) / h
    changes = np.diff(one_sided)
    value = float((8 * (f[3] - f[1]) - (f[4] - f[0])) / (12 * h))
    largest = float(np.abs(one_sided).max())
    size = max(abs(value), claim)
    # the second term: the points themselves are rounded to the spacing of floats
    rounding = 1.5 * noise / h + EPS * size / h
    # (negated: NaN is not smooth)
    kinked = not float(np.ptp(changes)) <= BEND * largest + 8 * noise / h
    if not kinked and rounding <= RESOLVED * size:
        return Slope("smooth", value, TOLERANCE, h)
    _remember(search, f, kinked, rounding, claim)
    if search.served and search.best is not None and search.best.kind == "smooth":
        return search.best
    if not kinked:
        # shrunk into the noise to get away from a kink, or grown as far as may be
        if search.growing is False or search.exponent == LARGEST:
            return search.best
        search.growing, search.exponent = True, search.exponent + 1
        return None
    jump, rest = abs(float(changes[1])), max(abs(float(changes[0])), abs(float(changes[2])))
    # the same jump at two steps, and all of it at t = 0: no step will get past it
    at_the_point = rest < 0.01 * jump and abs(jump - search.jump) < 0.01 * jump
    if search.growing or at_the_point or search.exponent == SMALLEST:
        return search.best
    search.growing, search.jump, search.exponent = False, jump, search.exponent - 1
    return None


def _remember(search: _Search, f: Array, kinked: bool, rounding: float, claim: float) -> None:
    """Keep the step at which kinks and rounding leave the least doubt."""
    h = search.step
    one_sided = np.diff(f) / h
    value = float(f[3] - f[1]) / (2 * h)
    size = max(abs(value), claim)
    bent = 2 * float(np.ptp(one_sided)) if kinked else 0.0
    doubt = (bent + 10 * rounding) / size if size else (np.inf if kinked else 0.0)
    tolerance = TOLERANCE + doubt if doubt == doubt else np.inf
    if search.best is not None and search.best.tolerance <= tolerance:
        return
    if tolerance <= COARSEST:
        search.best = Slope("smooth", value, tolerance, h)
    # (negated: NaN is a kink)
    elif kinked and not bent <= 10 * rounding:
        search.best = Slope("kink", value, np.inf, h)
    else:
        search.best = Slope("noise", value, tolerance, h)

"""Pieces of work take turns (A B A B), so that whatever else the machine does meets all of them alike."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["Spread", "quartiles", "take_turns"]

# seconds that a turn lasts at least, and the runs of one that it takes at most
TURN, MOST = 0.02, 50
# rounds that are always taken: fewer have no quartiles
FEWEST = 3


class Spread(NamedTuple):
    """Lower quartile, median, upper quartile."""

    low: float
    middle: float
    high: float


def quartiles(values: Sequence[float]) -> Spread:
    """Of at least one number."""
    low, middle, high = np.quantile(np.asarray(values), [0.25, 0.5, 0.75])
    return Spread(float(low), float(middle), float(high))


def take_turns(
    works: Sequence[Callable[[], object]],
    rounds: int,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> list[list[float]]:
    """For each work the seconds that one run of it took, a number for each round.

    A turn begins with a run that does not count: the caches hold what another left, whose threads may still spin. Runs
    of less than 20 ms are repeated within a turn, which then counts as their median.

    Args:
        works: called without arguments; they have been run before.
        rounds: turns of each.
        seconds: after which no further round begins, once there are three.
        clock: seconds since some moment.
    """

    def once(work: Callable[[], object]) -> float:
        begin = clock()
        work()
        return clock() - begin

    counts = [min(MOST, max(1, math.ceil(TURN / max(once(work), 1e-6)))) for work in works]
    found: list[list[float]] = [[] for _ in works]
    end = clock() + seconds
    for done in range(rounds):
        if done >= FEWEST and clock() > end:
            break
        for work, count, times in zip(works, counts, found, strict=True):
            work()
            times.append(float(np.median([once(work) for _ in range(count)])))
    return found

"""Contenders take turns (A B A B), so that noise meets all of them; figures are ratios within a round."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.processes import Process, WorkFailed

__all__ = ["Pace", "Prepared", "take_turns"]

# seconds that one turn should last at least, and runs that it should not exceed
TURN, MOST = 0.05, 50
FEWEST = 3
# seconds of its first run from which on a contender has no turns
LONG = 60.0


@dataclass(frozen=True)
class Pace:
    """How long to measure.

    Attributes:
        rounds: turns of each contender.
        seconds: after which no further round begins, once there are three.
    """

    rounds: int = 11
    seconds: float = 60.0


@dataclass(frozen=True)
class Prepared:
    """A contender that waits for its turn: number `number` of `process`, whose first run took `first` seconds."""

    process: Process
    number: int
    first: float = 0.0

    @property
    def once(self) -> bool:
        """Whether it is too slow to take turns."""
        return self.first >= LONG

    def times(self, count: int) -> list[float]:
        """Seconds of `count` runs."""
        found: list[float] = self.process.ask("run", number=self.number, count=count)
        return found


def take_turns(contenders: Sequence[Prepared], pace: Pace) -> list[list[float] | WorkFailed]:
    """For each contender the median seconds of each of its turns; or why it broke down.

    One that is too slow for them has no turns: its first run is its figure.
    """
    found: list[list[float] | WorkFailed] = [[] for _ in contenders]
    counts: list[int] = []
    for place, each in enumerate(contenders):
        if each.once:
            found[place] = [each.first]
            counts.append(0)
            continue
        try:
            warm = min(each.times(2))
        except WorkFailed as error:
            found[place], warm = error, TURN
        counts.append(min(MOST, max(1, math.ceil(TURN / warm))))
    end = time.perf_counter() + pace.seconds
    for done in range(pace.rounds):
        if done >= FEWEST and time.perf_counter() > end:
            break
        for place, each in enumerate(contenders):
            turns = found[place]
            if isinstance(turns, WorkFailed) or not counts[place]:
                continue
            try:
                turns.append(float(np.median(each.times(counts[place]))))
            except WorkFailed as error:
                found[place] = error
    return found

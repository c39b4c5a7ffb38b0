"""Which pictures the gradients are compared on: some that do not lie within rounding of a kink.

Where an activation is within single precision of the kink of a ReLU, the framework's own gradient in float32 differs
from its own in float64: one flip of a small network's ReLU moves it by a percent. The framework alone tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DRAWS", "STEADY", "Array", "Draw", "distance", "first_steady"]

Array = NDArray[Any]
STEADY = 1e-5
DRAWS = 8  # at most


@dataclass(frozen=True)
class Draw:
    """One batch, and the framework's gradients on it.

    Attributes:
        number: how many were drawn until this one.
        x: what the model is given.
        single: gradients in float32, by tensor name.
        wide: gradients in float64; empty where the framework's model cannot be run in it.
        noise: the largest distance between the two; None where there is no float64.
        first: the first that was drawn, where it is not this one.
    """

    number: int
    x: Any
    single: dict[str, Array]
    wide: dict[str, Array]
    noise: float | None
    first: Draw | None = None


def first_steady(
    batches: Iterable[Any], single: Callable[[Any], dict[str, Array]], wide: Callable[[Any], dict[str, Array]]
) -> Draw:
    """The first of the batches on which single precision is enough for the framework; else the best of them."""
    first: Draw | None = None
    best: Draw | None = None
    for number, x in enumerate(batches, start=1):
        one, two = single(x), wide(x)
        if not two:
            return Draw(number, x, one, two, None)
        noise = max(distance(one[name], two[name]) for name in two)
        if best is None or best.noise is None or noise < best.noise:
            best = Draw(number, x, one, two, noise, first)
            first = first or best
        if noise <= STEADY:
            break
    assert best is not None
    return best


def distance(ours: Array, truth: Array) -> float:
    """Relative distance in L2; infinite for a truth of zeros, which any wrong graph could meet."""
    assert ours.shape == truth.shape, f"{ours.shape} is not the framework's {truth.shape}"
    norm = float(np.linalg.norm(truth.astype(np.float64)))
    if not np.isfinite(norm) or norm == 0:
        return float("inf")
    return float(np.linalg.norm(ours.astype(np.float64) - truth.astype(np.float64))) / norm

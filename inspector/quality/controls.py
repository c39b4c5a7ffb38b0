"""Maps that do not look at the model: what any method must be better than."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from inspector.quality.trial import Map

__all__ = ["CONTROLS", "centre", "noise"]

# deviation of the central bump, as a share of each side
WIDTH = 1 / 4


def noise(sides: Sequence[int], seed: int) -> Map:
    """Each place on its own, uniform in [0, 1)."""
    return np.random.default_rng([seed, 0]).random(tuple(sides))


def centre(sides: Sequence[int], seed: int) -> Map:
    """A Gaussian around the middle, where photographers put what they photograph. `seed` has no part in it."""
    bump = np.ones(())
    for side in sides:
        places = (np.arange(side) + 0.5) / side - 0.5
        bump = np.multiply.outer(bump, np.exp(-((places / WIDTH) ** 2) / 2))
    return bump


CONTROLS: dict[str, Callable[[Sequence[int], int], Map]] = {"random": noise, "centre": centre}

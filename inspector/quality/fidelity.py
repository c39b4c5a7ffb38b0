"""Does the relevance of several places together tell what the score loses without them?"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError
from inspector.explain.baselines import Baseline
from inspector.quality.metric import Measured
from inspector.quality.trial import Map, Trial

__all__ = ["correlation", "infidelity", "mu_fidelity", "unexplained"]


def infidelity(
    trial: Trial,
    *,
    samples: int = 50,
    least: float = 0.1,
    most: float = 0.5,
    baseline: Baseline = "black",
    scaled: bool = True,
) -> Measured:
    """Yeh et al., On the (In)fidelity and Sensitivity of Explanations, NeurIPS 2019, definition 2.1, for square
    removal: the mean of (relevance of a window - what the score loses without it) squared, over random windows. In
    units of the score squared; lower is better.

    A map's scale means nothing for most methods (a class activation map is no share of a score), so the map is first
    multiplied by the factor that makes the infidelity least, as the paper's authors do in their comparisons.

    Args:
        trial: the map.
        samples: windows.
        least, most: sides of a window, as shares of the sample's sides.
        baseline: what takes the place of a window: see `inspector.explain.baselines.input_baseline`.
        scaled: False: the map before it is divided by its maximum, as it is: for methods that are shares of the score.

    Raises:
        InputError: there are no samples, or the sides are not between 0 and 1.
    """
    if samples < 1 or not 0 < least <= most <= 1:
        raise InputError(
            f"infidelity takes samples >= 1 and 0 < least <= most <= 1, not {samples}, {least}, {most}"
        )
    random = np.random.default_rng([trial.question.seed, 3])
    gone = [_window(trial.heatmap.shape, least, most, random) for _ in range(samples)]
    lost = _lost(trial, ("windows", samples, least, most), gone, baseline)
    claimed = _claimed(trial.heatmap if scaled else trial.raw, gone)
    return Measured({"infidelity": unexplained(claimed, lost, scaled)})


def mu_fidelity(
    trial: Trial, *, samples: int = 64, share: float = 0.2, cells: int = 8, baseline: Baseline = "black"
) -> Measured:
    """Bhatt et al., Evaluating and Aggregating Feature-based Model Explanations, IJCAI 2020, faithfulness: the
    correlation, over random sets of cells, of their relevance with what the score loses without them. In [-1, 1];
    higher is better; not defined for a map that is the same everywhere.

    Args:
        trial: the map.
        samples: sets.
        share: of the cells in a set.
        cells: along each axis, of the grid that sets are drawn from.
        baseline: what takes the place of a set: see `inspector.explain.baselines.input_baseline`.

    Raises:
        InputError: there are fewer than two samples or cells, or the share is not between 0 and 1.
    """
    if samples < 2 or cells < 2 or not 0 < share < 1:
        raise InputError(
            f"mu-fidelity takes samples >= 2, cells >= 2 and 0 < share < 1, not {samples}, {cells}, {share}"
        )
    sides = trial.heatmap.shape
    grid = tuple(min(cells, side) for side in sides)
    number = np.ravel_multi_index(
        np.ix_(*(np.arange(side) * count // side for side, count in zip(sides, grid, strict=True))), grid
    )
    every = int(np.prod(grid))
    size = min(max(1, round(share * every)), every - 1) if every > 1 else 1
    random = np.random.default_rng([trial.question.seed, 4])
    gone = [np.isin(number, random.choice(every, size, replace=False)) for _ in range(samples)]
    lost = _lost(trial, ("sets", samples, share, cells), gone, baseline)
    return Measured({"mu-fidelity": correlation(_claimed(trial.heatmap, gone), lost)})


def unexplained(claimed: NDArray[np.float64], lost: NDArray[np.float64], scaled: bool = True) -> float:
    """The mean of (factor * claimed - lost) squared; the factor that makes it least, or 1 where not `scaled`."""
    square = float(claimed @ claimed)
    factor = 1.0 if not scaled else float(claimed @ lost) / square if square > 0 else 0.0
    return float(np.mean((factor * claimed - lost) ** 2))


def correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Pearson's; NaN where one of the two does not vary by more than rounding."""
    deviations = [each - each.mean() for each in (one, other)]
    lengths = [float(np.linalg.norm(each)) for each in deviations]
    for each, length in zip((one, other), lengths, strict=True):
        if length <= 1e-12 * float(np.linalg.norm(each)) or length == 0:
            return float("nan")
    return float(deviations[0] @ deviations[1]) / (lengths[0] * lengths[1])


def _claimed(relevance: Map, gone: Iterable[NDArray[np.bool_]]) -> NDArray[np.float64]:
    """The relevance of each set of places together."""
    return np.array([relevance[mask].sum() for mask in gone])


def _lost(
    trial: Trial, drawn: Hashable, gone: Sequence[NDArray[np.bool_]], baseline: Baseline
) -> NDArray[np.float64]:
    """What the score loses without each set of places, which were `drawn` so: the same for all maps of a sample."""
    question = trial.question

    def lost() -> NDArray[np.float64]:
        canvas = question.canvas(baseline)
        left = question.scores((canvas.kept(0, ~mask) for mask in gone), len(gone))
        return float(question.subject.score[0]) - left

    return question.once((drawn, repr(baseline)), lost)


def _window(
    sides: tuple[int, ...], least: float, most: float, random: np.random.Generator
) -> NDArray[np.bool_]:
    def spans() -> Iterator[slice]:
        share = random.uniform(least, most)
        for side in sides:
            length = min(side, max(1, round(share * side)))
            start = int(random.integers(0, side - length + 1))
            yield slice(start, start + length)

    mask = np.zeros(sides, dtype=bool)
    mask[tuple(spans())] = True
    return mask

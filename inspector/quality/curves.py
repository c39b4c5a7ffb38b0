"""What becomes of the probability while places come or go in the order of their relevance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from inspector.errors import InputError
from inspector.explain.baselines import Baseline
from inspector.quality.metric import Curve, Measured
from inspector.quality.trial import Trial
from inspector.session import Array

__all__ = ["deletion", "insertion"]


def deletion(trial: Trial, *, steps: int = 25, baseline: Baseline = "black") -> Measured:
    """Petsiuk et al., RISE, BMVC 2018, deletion: the area under the class's probability while the most relevant
    places are replaced by `baseline`, in `steps` equal parts. A map that finds what the class rests on makes it fall
    soon: lower is better.

    Black patches are pictures that the model has not been trained on; part of the fall is due to that, for any map. So
    it is to be read beside that of a random map, and beside `road`.

    Args:
        trial: the map.
        steps: parts of the way.
        baseline: see `inspector.explain.baselines.input_baseline`.

    Raises:
        InputError: there are no steps.
    """
    curve = _curve(trial, steps, baseline, inserting=False)
    return Measured({"deletion": _area(curve)}, {"deletion": curve})


def insertion(trial: Trial, *, steps: int = 25, baseline: Baseline = "blur") -> Measured:
    """Petsiuk et al., RISE, BMVC 2018, insertion: the area under the class's probability while the most relevant
    places of the sample take the place of `baseline`, by default the sample blurred. Higher is better. Arguments as for
    `deletion`.
    """
    curve = _curve(trial, steps, baseline, inserting=True)
    return Measured({"insertion": _area(curve)}, {"insertion": curve})


def _curve(trial: Trial, steps: int, baseline: Baseline, inserting: bool) -> Curve:
    if steps < 1:
        raise InputError(f"a curve has at least one step, not {steps}")
    canvas = trial.question.canvas(baseline)
    places = trial.heatmap.size
    counts = np.rint(np.linspace(0, places, steps + 1)).astype(int)

    def variants() -> Iterator[Array]:
        for count in counts:
            touched = trial.first(count)
            yield canvas.kept(0, touched if inserting else ~touched)

    return counts / places, trial.question.probabilities(variants(), len(counts))


def _area(curve: Curve) -> float:
    shares, heights = curve
    return float(np.sum(np.diff(shares) * (heights[1:] + heights[:-1]) / 2))

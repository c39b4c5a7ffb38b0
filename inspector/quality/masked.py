"""What the model says when it is shown the picture through its own explanation."""

from __future__ import annotations

import numpy as np

from inspector.explain.baselines import Baseline
from inspector.quality.metric import Measured
from inspector.quality.trial import Trial

__all__ = ["average_drop"]


def average_drop(trial: Trial, *, baseline: Baseline = "black") -> Measured:
    """The class's probability p, and o when the sample is multiplied by the map: each place is left as far as the map
    is high there, and `baseline` otherwise.

    `average-drop`, max(0, p - o) / p (lower is better), and `increase`, whether o > p (higher is better): Chattopadhay
    et al., Grad-CAM++, WACV 2018. `average-gain`, max(0, o - p) / (1 - p) (higher is better): Zhang et al., Opti-CAM,
    CVIU 2024. Negative relevance is taken for none. A map that is 1 everywhere has no drop: read it beside
    `sparseness`.

    Args:
        trial: the map.
        baseline: see `inspector.explain.baselines.input_baseline`.
    """
    question = trial.question
    mask = np.clip(trial.heatmap, 0, 1).astype(np.float32)
    before = question.probability
    after = float(question.probabilities([question.canvas(baseline).blended(0, mask)], 1)[0])
    return Measured(
        {
            "average-drop": max(0.0, before - after) / before if before > 0 else float("nan"),
            "increase": float(after > before),
            "average-gain": max(0.0, after - before) / (1 - before) if before < 1 else 0.0,
        }
    )

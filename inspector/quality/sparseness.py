"""On how few places does a map put its relevance?"""

from __future__ import annotations

import numpy as np

from inspector.quality.metric import Measured
from inspector.quality.trial import Map, Trial

__all__ = ["gini", "sparseness"]


def sparseness(trial: Trial) -> Measured:
    """Chalasani et al., Concise Explanations of Neural Networks using Adversarial Training, ICML 2020: the
    Gini index of the magnitudes. 0: all places alike; 1 - 1/n: one of n places alone. Neither is better as such: a map
    may be concise and wrong.
    """
    return Measured({"sparseness": gini(trial.heatmap)})


def gini(values: Map) -> float:
    """Hurley & Rickard, Comparing Measures of Sparsity, IEEE Trans. Inf. Theory 2009; NaN for zeros."""
    ascending = np.sort(np.abs(values), axis=None)
    total = float(ascending.sum())
    if total == 0:
        return float("nan")
    count = ascending.size
    above = (count - np.arange(1, count + 1) + 0.5) / count
    return 1 - 2 * float(ascending @ above) / total

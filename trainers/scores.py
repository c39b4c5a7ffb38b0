"""How far logits are from the targets: the loss and the accuracy that the history records."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from trainers.learner import Logits
from trainers.models import Spec
from trainers.settings import Settings
from trainers.targets import Targets, predicted_labels

__all__ = ["hits", "mean_loss"]


def hits(logits: Logits, targets: Targets) -> dict[str, NDArray[np.bool_]]:
    """For each output and image, whether the label is right; under `accuracy`, whether all are."""
    right = {name: predicted_labels(value) == targets[name] for name, value in logits.items()}
    every = np.logical_and.reduce(list(right.values()))
    return {"accuracy": every} | {
        f"{name}_accuracy": value for name, value in right.items() if len(right) > 1
    }


def mean_loss(
    spec: Spec, settings: Settings, logits: Logits, targets: Mapping[str, NDArray[np.int64]]
) -> float:
    """The weighted sum of the heads' cross-entropies, mean over the images, in float64."""
    total = 0.0
    for head in spec.heads:
        z, target = logits[head.output].astype(np.float64), targets[head.output]
        if head.activation == "softmax":
            losses = np.logaddexp.reduce(z, axis=1) - z[np.arange(len(z)), target]
        else:
            losses = np.logaddexp(0, z[:, 0]) - target * z[:, 0]
        total += settings.weight(head.output) * float(losses.mean())
    return total

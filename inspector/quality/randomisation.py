"""Sanity checks: a map that explains a model changes when the model does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError
from inspector.quality.metric import Curve, Measured
from inspector.quality.similarity import spearman, ssim
from inspector.quality.trial import Map, Trial

__all__ = ["label_randomisation", "parameter_randomisation", "scaled"]


def parameter_randomisation(trial: Trial, *, stages: int = 4, layers: int = 3) -> Measured:
    """Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018, model parameter randomisation: how alike the map
    is to that of the same model with weights drawn anew (`redraw.redraw`), for the same class. Lower is better; a
    method that scores near 1 shows the picture's edges, whatever the model has learnt.

    `cascading-...`: the last layer with weights, then more and more from the top until none is left as it was trained,
    the mean over the stages; `independent-...`: one layer alone, the mean over those tried. `...-ssim` is the
    structural similarity, `...-spearman` the correlation of ranks, both with their signs; maps are divided by their
    largest magnitude before, those with a sign brought from [-1, 1] to [0, 1] for the former. A map of zeros is like
    none other than itself.

    Args:
        trial: the map.
        stages: of the cascade; their lengths grow by a factor.
        layers: tried alone, evenly from the first to the last. 0: none.

    Raises:
        InputError: there are no stages.
        ModelError: the weights are no constants of the file, or a map of the redrawn model is not finite.
    """
    if stages < 1 or layers < 0:
        raise InputError(f"parameter-randomisation takes stages >= 1 and layers >= 0, not {stages}, {layers}")
    redrawing = trial.redrawing
    assert redrawing is not None
    cascade = redrawing.cascade(stages)
    alone = redrawing.single(layers) if layers else []
    values: dict[str, float] = {}
    curves: dict[str, Curve] = {}
    for kind, chosen in (("cascading", cascade), ("independent", alone)):
        found = np.array([_likeness(trial, _redrawn(trial, layer)) for layer in chosen]).reshape(-1, 2)
        places = np.array(
            [len(each) if kind == "cascading" else each.start + 1 for each in chosen], dtype=np.float64
        )
        for column, name in enumerate(("ssim", "spearman")):
            values[f"{kind}-{name}"] = _mean(found[:, column])
            curves[f"{kind}-{name}"] = (places, found[:, column])
    return Measured(values, curves)


def label_randomisation(trial: Trial) -> Measured:
    """Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018, data randomisation: how alike the map is to that
    of a model of the same architecture trained on permuted labels, for the same class. Lower is better.

    Such a model has to be trained; it is not made here: give it as `random_labels` (`--random-labels MODEL2.onnx`).
    Columns as for `parameter_randomisation`.
    """
    assert trial.otherwise is not None
    structure, ranks = _likeness(trial, trial.otherwise())
    return Measured({"label-ssim": structure, "label-spearman": ranks})


def scaled(raw: NDArray[np.floating]) -> Map:
    """A map divided by its largest magnitude; zeros stay zeros."""
    values = np.asarray(raw, dtype=np.float64)
    largest = float(np.abs(values).max(initial=0.0))
    return values / largest if largest > 0 else values


def _redrawn(trial: Trial, layers: Sequence[int]) -> NDArray[np.floating]:
    subject = trial.question.subject
    assert trial.redrawing is not None
    # the class that the trained model gave, not the one that the redrawn model would
    asked = replace(subject, evaluator=trial.redrawing.without(layers), objective=subject.settled)
    found: NDArray[np.floating] = trial.again(asked)[0]
    return found


def _likeness(trial: Trial, other: NDArray[np.floating]) -> tuple[float, float]:
    one, two = trial.heatmap, scaled(other)
    if not (one.any() and two.any()):
        same = float("nan") if not one.any() else 0.0
        return same, same
    ranks = spearman(one, two)
    # ranks that are all alike tell nothing of the other map's
    ranks = 0.0 if np.isnan(ranks) else ranks
    if min(one.min(), two.min()) < 0:
        one, two = (one + 1) / 2, (two + 1) / 2
    return ssim(one, two), ranks


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")

"""Finer-CAM: what tells a class from those most like it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InspectorError, TargetError
from inspector.explain.cams import weighted
from inspector.explain.cams.evidence import Evidence, of_gradient
from inspector.explain.relevance import Maps, Scene
from inspector.objectives import Objective
from inspector.session import Array

__all__ = ["contrasted", "finercam"]

BASES: Mapping[str, Callable[[Maps, Maps], Maps]] = {
    "gradcam": weighted.gradcam,
    "gradcam++": weighted.gradcam_plus_plus,
    "hirescam": weighted.hirescam,
    "layercam": weighted.layercam,
    "xgradcam": weighted.xgradcam,
}


def finercam(scene: Scene, *, alpha: float = 1.0, classes: int = 3, base: str = "gradcam") -> Evidence:
    """Zhang et al., Finer-CAM, CVPR 2025: a CAM of the target's score less alpha times the scores of
    the most similar classes, their mean weighted by their probabilities.

    Most similar are the classes whose scores lie nearest to the target's. The weights are constants: nothing is
    differentiated through them. Use it where classes share most of their evidence: species, makes of cars.

    Args:
        scene: the layer and the score, which is that of a single class.
        alpha: how much of the others is subtracted; 0: the base method.
        classes: how many of the most similar ones.
        base: "gradcam", "gradcam++", "hirescam", "layercam" or "xgradcam".

    Raises:
        TargetError: the target is not one of several classes.
        InspectorError: an option has another value.
    """
    if base not in BASES:
        raise InspectorError(f"finercam is made of {', '.join(BASES)}, not '{base}'")
    if classes < 1:
        raise InspectorError(f"finercam compares with at least 1 class, not {classes}")
    subject = scene.subject
    values = subject.evaluator.values(subject.feeds, subject.objective.tensors)
    objective = contrasted(subject.objective, values, alpha, classes)
    return of_gradient(BASES[base])(replace(scene, subject=replace(subject, objective=objective)))


def contrasted(objective: Objective, tensors: Mapping[str, Array], alpha: float, classes: int) -> Objective:
    """Each sample's class less alpha times the weighted mean of the `classes` most similar ones.

    Raises:
        TargetError: the target is not one of several classes.
    """
    scores = _class_scores(objective, tensors)
    settled = objective.settle(tensors)
    chosen, weight = settled.index[0], settled.weight[0]
    distance = np.abs(scores - np.take_along_axis(scores, chosen, axis=1))
    np.put_along_axis(distance, chosen, np.inf, axis=1)
    similar = np.argsort(distance, axis=1, kind="stable")[:, : min(classes, scores.shape[1] - 1)]
    near = np.take_along_axis(scores, similar, axis=1)
    share = np.exp(near - near.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    described = []
    for text, head, others in zip(settled.description, settled.own, similar, strict=True):
        names = ", ".join(str((head and head.label(int(each))) or each) for each in others)
        described.append(f"{text} - {alpha:g} * (classes like it: {names})")
    return replace(
        settled,
        index=(np.concatenate([chosen, similar], axis=1),),
        sign=(np.ones((len(chosen), 1 + similar.shape[1]), dtype=np.float32),),
        weight=(np.concatenate([weight, -alpha * weight * share], axis=1).astype(np.float32),),
        description=tuple(described),
    )


def _class_scores(objective: Objective, tensors: Mapping[str, Array]) -> NDArray[np.float64]:
    """(N, classes): the scores that the target is one of.

    Raises:
        TargetError: it is not one of several.
    """
    (key, *others), index = objective.keys, objective.index[0]
    tensor = tensors[key.tensor]
    sample = tensor.shape[: key.batch_axis] + tensor.shape[key.batch_axis + 1 :]
    several = math.prod(sample) > 1 and math.prod(sample) == max(sample)
    if others or key.transform != "raw" or not key.batched or index.shape[1] != 1 or not several:
        raise TargetError(
            "finercam compares a class with those most like it: name one class of an output with one score per class, "
            "or subtract targets yourself (`A - B`) for another comparison"
        )
    return np.moveaxis(tensor, key.batch_axis, 0).reshape(tensor.shape[key.batch_axis], -1).astype(np.float64)

"""FullGrad: the score as what the input and all biases contribute to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InspectorError
from inspector.explain.cams.biases import biases_between
from inspector.explain.finite import finite
from inspector.explain.relevance import Maps, Relevance, Scene
from inspector.explain.targeted import find_places
from inspector.explain.upsample import upsample
from inspector.objectives import Gradients

__all__ = ["fullgrad", "magnitudes"]

RESCALED = ("channel", "layer", "none")


def fullgrad(scene: Scene, *, rescale: str = "channel") -> Relevance:
    """Srinivas & Fleuret, Full-Gradient Representation, NeurIPS 2019, proposition 1 and FullGrad: magnitudes of
    input times gradient and of every bias times its gradient, each scaled to [0, 1], enlarged and added up.

    Biases are those of convolutions and linear layers, constants that are added, and the implicit ones of batch
    normalisation. Those without places (of the classifier) are in no map, but in the measure `completeness gap`: the
    score less all contributions, 0 for networks of ReLU and max pooling; a bend elsewhere (ReLU6 at 6, sigmoids,
    swish) has contributions of its own. Use it for a map of the whole network, not of one layer.

    Args:
        scene: the input and the score.
        rescale: "channel": each channel by its own smallest and largest value, as the paper has it;
            "layer": all channels of a layer together, as the authors' code does; "none": contributions as they are.

    Raises:
        InspectorError: `rescale` is none of these.
    """
    if rescale not in RESCALED:
        raise InspectorError(f"fullgrad rescales by {', '.join(RESCALED)}, not '{rescale}'")
    subject, entry = scene.subject, scene.entry
    biases = biases_between(subject.evaluator, entry.tensor, subject.objective.tensors)
    found = subject.evaluator.gradients(
        subject.feeds, subject.objective, [entry.tensor, *biases], keep=[entry.tensor]
    )
    value = subject.feeds[entry.tensor] if entry.tensor in subject.feeds else found.tensors[entry.tensor]
    contributions = {entry.tensor: value * found.gradients[entry.tensor]}
    contributions |= {name: bias * found.gradients[name] for name, bias in biases.items()}

    maps = _shown(scene.source_folded(contributions[entry.tensor]), rescale, scene.sides)
    places = find_places(subject.evaluator, entry, subject.feeds)
    for name in biases:
        grid = places.grid(name, contributions[name].shape)
        if grid is not None and grid.area > 1 and len(grid.sides) == len(scene.sides):
            maps = maps + _shown(grid.fold(contributions[name]), rescale, scene.sides)
    checked = replace(found, gradients={entry.tensor: found.gradients[entry.tensor]})
    return Relevance(finite(lambda each: each, maps), checked, _gap(found, contributions))


def _shown(contribution: Maps, rescale: str, sides: tuple[int, ...]) -> Maps:
    """(N, C, spatial...) to (N, sides...): the paper's psi, and the sum over the channels."""
    # enlarging is linear: the sum first is the same, and one map instead of hundreds
    return np.asarray(upsample(magnitudes(contribution, rescale).sum(axis=1), sides))


def magnitudes(contribution: Maps, rescale: str) -> Maps:
    """(N, C, spatial...) as it is added up, before it is enlarged; `embed` can also write it as a graph."""
    magnitude = np.abs(contribution)
    axes = tuple(range(1 if rescale == "layer" else 2, magnitude.ndim))
    if rescale != "none":
        magnitude = magnitude - magnitude.min(axis=axes, keepdims=True)
        largest = magnitude.max(axis=axes, keepdims=True)
        magnitude = np.divide(magnitude, largest, out=np.zeros_like(magnitude), where=largest > 0)
    return magnitude


def _gap(found: Gradients, contributions: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float64]]:
    """The score less all contributions; nothing where a tensor's first axis is not made of the samples."""
    count = len(found.score)
    if any(len(each) % count for each in contributions.values()):
        return {}
    total = sum(each.reshape(count, -1).sum(axis=1, dtype=np.float64) for each in contributions.values())
    return {"completeness gap": found.lowered_score.astype(np.float64) - total}

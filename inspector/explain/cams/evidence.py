"""What each channel of a layer says, made one map: the sum, or the first principal component."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from inspector.explain.cams.component import first_component
from inspector.explain.cams.weighted import Weighted
from inspector.explain.finite import finite
from inspector.explain.options import with_options
from inspector.explain.relevance import Maps, Relevance, Scene
from inspector.objectives import Gradients

__all__ = ["Evidence", "by_channel", "of_gradient", "values_and_gradient"]


@dataclass(frozen=True)
class Evidence:
    """What a method found before the channels are made one.

    Attributes:
        values: (N, C, spatial...), in the units of the score or of the activations, as the method has it.
        found: the gradient that it rests on; None: it rests on none.
        weights: (N, C, 1...), what the values of each channel are multiplied by; None: they are the evidence.
    """

    values: Maps
    found: Gradients | None = None
    weights: Maps | None = None

    @property
    def channels(self) -> Maps:
        """(N, C, spatial...)."""
        return self.values if self.weights is None else np.asarray(self.values * self.weights)

    def summed(self) -> Maps:
        """(N, spatial...): the sum over the channels."""
        if self.weights is None:
            return np.asarray(self.values.sum(axis=1))
        # in one pass over the values: their product is not written down
        return np.asarray(
            np.einsum("nc...,nc->n...", self.values, self.weights.reshape(self.values.shape[:2]))
        )


def by_channel(evidence: Callable[..., Evidence], signed: bool = False) -> Callable[..., Relevance]:
    """A method of each channel's evidence, with a further option `eigen_smooth`.

    The map is the sum of the channels; with `eigen_smooth` their first principal component (pytorch-grad-cam's
    `eigen_smooth`), its sign such that it goes with the sum. Where it has no sign, negative values are cut off.
    """

    @with_options(evidence)
    def attribute(scene: Scene, *, eigen_smooth: bool = False, **options: Any) -> Relevance:
        seen = evidence(scene, **options)
        # (what is not finite stays so in the sum, and would stop the decomposition)
        maps = finite(first_component, seen.channels) if eigen_smooth else finite(seen.summed)
        return Relevance(maps if signed else np.maximum(maps, 0), seen.found)

    return attribute


def of_gradient(formula: Callable[[Maps, Maps], Maps]) -> Callable[[Scene], Evidence]:
    """Evidence that is a function of the layer's values and of the score's gradient there."""

    def evidence(scene: Scene) -> Evidence:
        values, gradient = values_and_gradient(scene)
        if isinstance(formula, Weighted):
            return Evidence(values, scene.found, finite(formula.weights, values, gradient))
        return Evidence(finite(formula, values, gradient), scene.found)

    evidence.__doc__ = formula.__doc__
    return evidence


def values_and_gradient(scene: Scene) -> tuple[Maps, Maps]:
    """The values at the scene's place and the score's gradient there, float32 (N, C, spatial...)."""
    found = scene.found
    pair = (found.tensors[scene.tensor], found.gradients[scene.tensor])
    values, gradient = (np.asarray(scene.folded(each), dtype=np.float32) for each in pair)
    return values, gradient

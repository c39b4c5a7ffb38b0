"""What a method is: where it works, what it computes, which options it takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from inspector.errors import InspectorError, ModelError
from inspector.explain.cams.weighted import collapsed
from inspector.explain.relevance import Maps, Relevance, Scene

__all__ = ["Formula", "Method", "at_input", "at_layer"]

Formula = Callable[[Maps, Maps], Maps]
"""(values, gradient) at a place, (N, C, spatial...) both, to the evidence there."""


@dataclass(frozen=True)
class Method:
    """How a map is made.

    Attributes:
        place: "layer": from a feature map, enlarged to the input's size; "input": from the input.
        attribute: (scene, options by keyword) to what was found.
        signed: whether the map has negative values; they then run over [-1, 1].
        formula: where the map is nothing but a function of values and gradient at the place, this function; a file can
            then hold it (`embed`).
    """

    place: Literal["layer", "input"]
    attribute: Callable[..., Relevance]
    signed: bool = False
    formula: Formula | None = None

    @cached_property
    def options(self) -> Mapping[str, Any]:
        """Its options and their defaults."""
        parameters = inspect.signature(self.attribute).parameters.values()
        return {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}

    def require(self, name: str, options: Mapping[str, Any]) -> None:
        """InspectorError where one of `options` is none of the method's, called `name`."""
        for option in options:
            if option not in self.options:
                known = ", ".join(f"{key}={value!r}" for key, value in self.options.items())
                raise InspectorError(
                    f"method {name} takes no option '{option}'" + (f"; its options: {known}" if known else "")
                )


def at_layer(evidence: Formula) -> Method:
    """A class activation map: the evidence of each channel of a layer, summed."""

    def formula(values: Maps, gradient: Maps) -> Maps:
        return collapsed(evidence(values, gradient))

    def attribute(scene: Scene) -> Relevance:
        return _applied(formula, scene)

    return Method("layer", attribute, formula=formula)


def at_input(formula: Formula, signed: bool = False) -> Method:
    """A function of the input and of the gradient there."""

    def attribute(scene: Scene) -> Relevance:
        return _applied(formula, scene)

    return Method("input", attribute, signed, formula)


def _applied(formula: Formula, scene: Scene) -> Relevance:
    found = scene.found
    pair = (found.tensors[scene.tensor], found.gradients[scene.tensor])
    values, gradient = (np.asarray(scene.folded(each), dtype=np.float32) for each in pair)
    try:
        with np.errstate(over="raise", invalid="raise"):
            maps = formula(values, gradient)
    except FloatingPointError:
        maps = np.full(1, np.nan)
    if not (np.isfinite(maps).all() and np.isfinite(gradient).all()):
        raise ModelError("the map is not finite: the model's numbers overflow on this input")
    return Relevance(maps, found)

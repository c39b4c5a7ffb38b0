"""What a method is: where it works, what it computes, which options it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from inspector.explain.cams.evidence import Evidence, by_channel, of_gradient, values_and_gradient
from inspector.explain.cams.weighted import collapsed
from inspector.explain.finite import finite
from inspector.explain.options import options_of, require_options
from inspector.explain.relevance import Maps, Relevance, Scene
from inspector.explain.smoothing import augmented

__all__ = ["Formula", "Method", "at_input", "at_layer", "of_channels"]

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
        return options_of(self.attribute)

    def require(self, name: str, options: Mapping[str, Any]) -> None:
        """InspectorError where one of `options` is none of the method's, called `name`, or its value is of no use."""
        require_options(f"method {name}", options, self.options)


def at_layer(evidence: Formula) -> Method:
    """A class activation map whose evidence of each channel is a function of values and gradient."""
    return of_channels(of_gradient(evidence), evidence)


def of_channels(
    evidence: Callable[..., Evidence], formula: Formula | None = None, signed: bool = False
) -> Method:
    """A class activation map: the evidence of each channel of a layer, summed.

    Args:
        evidence: of each channel.
        formula: the same as a function of values and gradient at the layer, where it is one.
        signed: whether what speaks against the target stays.
    """

    def summed(values: Maps, gradient: Maps) -> Maps:
        assert formula is not None
        channels = formula(values, gradient)
        return channels.sum(axis=1) if signed else collapsed(channels)

    attribute = augmented(by_channel(evidence, signed))
    return Method("layer", attribute, signed, None if formula is None else summed)


def at_input(formula: Formula, signed: bool = False) -> Method:
    """A function of the input and of the gradient there."""

    def attribute(scene: Scene) -> Relevance:
        return Relevance(finite(formula, *values_and_gradient(scene)), scene.found)

    return Method("input", attribute, signed, formula)

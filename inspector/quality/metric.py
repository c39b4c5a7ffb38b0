"""What a metric is: what it measures of a map, and how its numbers are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from inspector.explain.options import options_of, require_options
from inspector.quality.trial import Trial

__all__ = ["Better", "Curve", "Measured", "Metric", "Need"]

Better = Literal["higher", "lower", "neither"]
Need = Literal["pictures", "numbers", "probabilities", "boxes", "redrawn", "random-labels"]
Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Abscissae and ordinates."""


@dataclass(frozen=True)
class Measured:
    """What a metric found.

    Attributes:
        values: by column; NaN where the metric is not defined for the map.
        curves: by name.
    """

    values: Mapping[str, float]
    curves: Mapping[str, Curve] = field(default_factory=dict)


@dataclass(frozen=True)
class Metric:
    """How maps are judged.

    Attributes:
        measure: (trial, options by keyword) to what was found.
        columns: the numbers that it finds, and which of them are good.
        needs: what must be there: pictures (two spatial axes), numbers (an input that holds no codes), probabilities (a
            target that is a class), boxes, a model whose weights can be drawn anew, a model trained on random labels.
    """

    measure: Callable[..., Measured]
    columns: Mapping[str, Better]
    needs: tuple[Need, ...] = ()

    @property
    def options(self) -> Mapping[str, Any]:
        """Its options and their defaults."""
        return options_of(self.measure)

    def require(self, name: str, options: Mapping[str, Any]) -> None:
        """InspectorError where one of `options` is none of the metric's, called `name`, or its value is of no use."""
        require_options(f"metric {name}", options, self.options)

    def of(self, trial: Trial, options: Mapping[str, Any]) -> Measured:
        """Measure `trial`."""
        return self.measure(trial, **options)

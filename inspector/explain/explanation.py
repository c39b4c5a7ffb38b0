"""What `explain` returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.check import GradientCheck

__all__ = ["Explanation"]


@dataclass(frozen=True)
class Explanation:
    """Where in the input the evidence for a target lies.

    Attributes:
        heatmap: float32, the input's spatial shape: (N, H, W), (N, T) in 1-D, (N, D, H, W) in 3-D. `raw` divided by its
            largest magnitude per image: in [0, 1], or in [-1, 1] where the method has a sign. A map of zeros stays so.
        raw: the same before that division, in the units of the score.
        map: the map at the layer's own resolution; for methods at the input, `raw`.
        target: what was explained, one text per image.
        score: (N,), the targets' values.
        layer: the tensor that the map was taken from; None for methods at the input, names joined by ` + ` of several.
        layers: the tensors that it was taken from.
        method: the method's name, also where it was chosen.
        measures: numbers beside the map, one per image, by name (the completeness gap of integrated gradients).
        signed: whether the map has a sign, and is drawn on a diverging scale.
        notes: what a reader must know: a map that is zero, a method that was chosen.
        check: verdict of the finite-difference check, where one was made.
    """

    heatmap: NDArray[np.float32] = field(repr=False)
    raw: NDArray[np.float32] = field(repr=False)
    map: NDArray[np.float32] = field(repr=False)
    target: tuple[str, ...]
    score: NDArray[np.float32]
    layer: str | None
    method: str
    layers: tuple[str, ...] = ()
    measures: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    signed: bool = False
    notes: list[str] = field(default_factory=list)
    check: GradientCheck | None = None

"""Inputs with some places kept and the others replaced: what all perturbations are painted on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from inspector.errors import ModelError
from inspector.explain.baselines import Baseline, input_baseline
from inspector.explain.geometry import input_layout
from inspector.explain.relevance import Scene
from inspector.explain.subject import Variant
from inspector.model import spatial_axes
from inspector.session import Array

__all__ = ["Canvas"]

# places along all axes together that a coarse grid has where nothing else is said: 64, 8 x 8, 4 x 4 x 4
CELLS = 64


class Canvas:
    """The model's input, place by place.

    Attributes:
        scene: whose input is perturbed.
        sides: its spatial shape.
        rows: the number of samples.
        baseline: what takes the place of what is not kept, of the input's shape and dtype.
    """

    def __init__(self, scene: Scene, baseline: Baseline) -> None:
        self.scene = scene
        self.sides = scene.sides
        self.rows = len(scene.subject.x)
        self.baseline = input_baseline(scene, baseline)
        x = scene.subject.x
        layout = input_layout(scene.subject.evaluator.model, scene.entry.input)
        spatial = range(1, x.ndim) if layout is None or len(layout) != x.ndim else spatial_axes(layout)
        # a mask of this shape lies over all channels of a sample
        self._mask_shape = tuple(x.shape[axis] if axis in spatial else 1 for axis in range(1, x.ndim))

    @property
    def codes(self) -> bool:
        """Whether the input's numbers stand for words or bytes: there is nothing between one and another."""
        return self.scene.entry.reads_tokens

    @property
    def default_cells(self) -> tuple[int, ...]:
        """Cells of a coarse grid along each axis: one per token, else 64 in all."""
        each = max(1, round(CELLS ** (1 / max(len(self.sides), 1))))
        return tuple(side if self.codes else min(side, each) for side in self.sides)

    def kept(self, row: int, mask: NDArray[np.bool_]) -> Array:
        """Sample `row` where `mask` (of the spatial shape) holds, else the baseline."""
        whole = mask.reshape(self._mask_shape)
        return np.asarray(np.where(whole, self.scene.subject.x[row], self.baseline[row]))

    def blended(self, row: int, mask: NDArray[np.float32]) -> Array:
        """The sum mask * sample + (1 - mask) * baseline, rounded where the input holds whole numbers."""
        x = self.scene.subject.x
        whole = mask.reshape(self._mask_shape)
        mixed: Array = x[row] * whole
        if not self._black:
            mixed += self.baseline[row] * (1 - whole)
        return np.rint(mixed) if x.dtype.kind in "iu" else mixed

    def scores(self, variants: Iterable[Variant], total: int) -> NDArray[np.float64]:
        """The score of each of `total` variants."""
        return np.concatenate([np.zeros(0), *self.scored(variants, total)])

    def scored(self, variants: Iterable[Variant], total: int) -> Iterator[NDArray[np.float64]]:
        """The same, batch by batch.

        Raises:
            ModelError: a score is not finite.
        """
        for scores in self.scene.subject.scored(variants, total):
            if not np.isfinite(scores).all():
                raise ModelError("the model's score is not finite for some of the perturbed inputs")
            yield scores

    @cached_property
    def _black(self) -> bool:
        return not self.baseline.any()

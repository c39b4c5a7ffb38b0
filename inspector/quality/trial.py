"""What a metric is given: a question about one sample, and a map that claims to answer it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError
from inspector.explain.baselines import Baseline
from inspector.explain.perturbation.canvas import Canvas
from inspector.explain.relevance import Scene
from inspector.explain.subject import Subject
from inspector.explain.targeted import picture_sides
from inspector.objectives import Entry
from inspector.quality.redraw import Redrawing
from inspector.session import Array

__all__ = ["Map", "Question", "Trial"]

T = TypeVar("T")

Map = NDArray[np.float64]
"""Of a sample's spatial shape."""


@dataclass(frozen=True)
class Question:
    """One sample, and what is asked of it.

    Attributes:
        subject: the score that is explained, of a batch of one.
        entry: the input that maps lie over.
        confidence: the logarithm of the class's probability in place of the score; None: the target is no class.
        inside: where the object lies, of the sample's spatial shape; None: that is not known.
        seed: of everything random that is done to this sample, the same for every method.
    """

    subject: Subject
    entry: Entry
    confidence: Subject | None = None
    inside: NDArray[np.bool_] | None = None
    seed: int = 0
    _kept: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def sides(self) -> tuple[int, ...]:
        """The sample's spatial shape."""
        return picture_sides(self.subject.evaluator, self.entry, self.subject.feeds)

    @cached_property
    def probability(self) -> float:
        """Of the class, for the sample as it is; of a target that is no class, the score."""
        if self.confidence is None:
            return float(self.subject.score[0])
        return float(np.exp(self.confidence.score[0]))

    def canvas(self, baseline: Baseline) -> Canvas:
        """The sample with places that are replaced by `baseline`: see `inspector.explain.baselines`."""
        return self.once(("canvas", repr(baseline)), lambda: Canvas(self._scene, baseline))

    def once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """What `compute` gives, kept under `key`: what does not depend on the map is computed for all maps at once."""
        if key not in self._kept:
            self._kept[key] = compute()
        found: T = self._kept[key]
        return found

    def probabilities(self, variants: Iterable[Array], total: int) -> NDArray[np.float64]:
        """As `probability`, of `total` arrays that take the place of the sample."""
        subject = self.confidence or self.subject
        scores = subject.scores(((0, array) for array in variants), total)
        return np.exp(scores) if self.confidence is not None else scores

    def scores(self, variants: Iterable[Array], total: int) -> NDArray[np.float64]:
        """The score that is explained, of `total` arrays that take the place of the sample."""
        return self.subject.scores(((0, array) for array in variants), total)

    @property
    def _scene(self) -> Scene:
        def unfolded(array: Array) -> NDArray[np.floating]:
            return array

        return Scene(self.subject, self.entry, None, self.sides, unfolded, unfolded)


@dataclass(frozen=True)
class Trial:
    """A map of one sample by one method.

    Attributes:
        question: what the map is an answer to.
        heatmap: (spatial...), divided by its largest magnitude.
        raw: the same before that division.
        again: raw maps (N, spatial...) by the same method, of another input or another model.
        redrawing: draws weights of the model anew.
        otherwise: the map by the same method of the model that was trained on random labels.
    """

    question: Question
    heatmap: Map
    raw: Map
    again: Callable[[Subject], NDArray[np.floating]]
    redrawing: Redrawing | None = None
    otherwise: Callable[[], NDArray[np.floating]] | None = None

    def __post_init__(self) -> None:
        if self.heatmap.shape != self.question.sides:
            raise InputError(
                f"the map has the shape {self.heatmap.shape} and the input {self.question.sides}: "
                "it does not lie over it"
            )

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Flat numbers of the places, most relevant first; places alike in an order that chance decides."""
        chance = np.random.default_rng([self.question.seed, 1]).permutation(self.heatmap.size)
        ranked: NDArray[np.int64] = chance[np.argsort(-self.heatmap.ravel()[chance], kind="stable")]
        return ranked

    def first(self, count: int) -> NDArray[np.bool_]:
        """The `count` most relevant places."""
        mask = np.zeros(self.heatmap.size, dtype=bool)
        mask[self.order[:count]] = True
        return mask.reshape(self.heatmap.shape)

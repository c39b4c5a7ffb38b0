"""What a method is given and what it hands back: the scaffold chooses the place, enlarges and scales."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.explain.subject import Subject
from inspector.model import Layer
from inspector.objectives import Entry, Gradients
from inspector.session import Array

__all__ = ["Maps", "Relevance", "Scene"]

Maps = NDArray[np.floating]


@dataclass(frozen=True)
class Scene:
    """A question, and the place in the model that maps are made of.

    Attributes:
        subject: the score of each sample as a function of the model's input.
        entry: that input, and the first floating-point tensor after it.
        layer: where the map is made; None: at the input.
        sides: the input's spatial shape.
        folded: values at the place -> (N, C, spatial...).
        source_folded: values of `entry.tensor` -> (N, C, spatial...).
        tokens: how the user says that a sequence is folded to a map, `1+14x14`.
    """

    subject: Subject
    entry: Entry
    layer: Layer | None
    sides: tuple[int, ...]
    folded: Callable[[Array], Maps]
    source_folded: Callable[[Array], Maps]
    tokens: str | None = None

    @property
    def tensor(self) -> str:
        """The tensor that the map is made of."""
        return self.entry.tensor if self.layer is None else self.layer.name

    @cached_property
    def source(self) -> Subject:
        """The score as a function of the first floating-point tensor: of token ids, their embeddings."""
        return self.subject.after(self.entry.tensor)

    @cached_property
    def beyond(self) -> Subject:
        """The score as a function of the layer's own values."""
        return self.subject.after(self.tensor)

    @cached_property
    def found(self) -> Gradients:
        """The gradient at the place, with the place's values beside it in `tensors`."""
        subject = self.subject
        keep = [self.tensor]
        found = subject.evaluator.gradients(subject.feeds, subject.objective, keep, keep)
        return replace(found, tensors={**subject.feeds, **found.tensors})

    @property
    def values(self) -> Array:
        """The values at the place, as the model has them."""
        if self.tensor in self.subject.feeds:
            return self.subject.feeds[self.tensor]
        return self.subject.evaluator.values(self.subject.feeds, [self.tensor])[self.tensor]


@dataclass(frozen=True)
class Relevance:
    """What a method found.

    Attributes:
        maps: (N, spatial...), at the resolution of the place.
        found: the gradient that they rest on, which finite differences can check; None: they rest on none.
        measures: numbers beside the map, one per sample: {"completeness gap": ...}.
        notes: what a reader must know.
    """

    maps: Maps
    found: Gradients | None = None
    measures: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

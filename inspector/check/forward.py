"""The score as a function of one tensor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np
from onnx import ModelProto

from inspector.check.cut import boundary
from inspector.check.reference import Array, Cost, DoublePrecisionError
from inspector.errors import InputError

__all__ = ["Behind", "Evaluator", "Forward", "ScoreOf"]

ScoreOf = Callable[[Mapping[str, Array]], Array]
"""Values of the outputs, by name -> the score of each sample, (N,)."""

_MEMORY = 32 * 2**20
"""Bytes of values that a batch of points may hold at once: larger ones take longer to move than to compute."""


class Evaluator(Protocol):
    """What runs a model: `Float64Evaluator` or `Float32Evaluator`."""

    agreement: ClassVar[float]
    """Largest relative difference between a score computed in a batch and the same score computed alone."""

    cost: Cost
    """Of the last run."""

    def __init__(self, model: ModelProto) -> None: ...

    def run(self, outputs: Sequence[str] | None, feeds: Mapping[str, Array]) -> list[Array]: ...


class Behind:
    """The part of a model behind one tensor, and the values of all else that it reads.

    Attributes:
        evaluator: of the whole model.
        point: value of the tensor that the feeds give, float64; computed where it is not given.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        model: ModelProto,
        tensor: str,
        outputs: Sequence[str],
        feeds: Mapping[str, Array],
        point: Array | None = None,
    ) -> None:
        self.evaluator = evaluator
        self._tensor, self._outputs = tensor, tuple(outputs)
        self._names = boundary(model, tensor, outputs)
        self._feeds = dict(feeds)
        wanted = self._names if point is not None else (tensor, *self._names)
        values = dict(zip(wanted, evaluator.run(wanted, self._feeds), strict=True)) if wanted else {}
        self._front = evaluator.cost.peak if wanted else 0
        self.point = np.asarray(values[tensor] if point is None else point, dtype=np.float64)
        self._alone = {name: values[name] for name in self._names}
        self._batches: dict[int, dict[str, Array]] = {}

    def run(self, value: Array, batch: int = 1) -> dict[str, Array]:
        """The outputs by name, for a value of the tensor; for `batch` of them along the batch axis."""
        values = self.evaluator.run(self._outputs, {**self._beside(batch), self._tensor: value})
        return dict(zip(self._outputs, values, strict=True))

    def largest_batch(self, memory: int) -> int:
        """How many samples what is read beside the tensor can be had for at once."""
        return memory // max(1, self._front) if self._unlike else memory

    def _beside(self, batch: int) -> dict[str, Array]:
        """What is read beside the tensor, for a batch of equal samples."""
        if batch == 1:
            return self._alone
        found = {**self._alone}
        found |= {name: np.repeat(found[name], batch, axis=0) for name in self._per_sample}
        if self._unlike and batch not in self._batches:
            self._batches = {batch: self._compute(self._unlike, batch)}
        return found | self._batches.get(batch, {})

    @cached_property
    def _per_sample(self) -> tuple[str, ...]:
        """Names of what holds something for each sample, along its first axis."""
        return tuple(
            name for name in self._names if 2 * _length(self._alone[name]) == _length(self._pair[name]) > 0
        )

    @cached_property
    def _unlike(self) -> tuple[str, ...]:
        """Names of what is neither so, nor the same for any batch (a shape, an index): it is computed for each."""
        return tuple(
            name
            for name in self._names
            if name not in self._per_sample and not _same(self._alone[name], self._pair[name])
        )

    @cached_property
    def _pair(self) -> dict[str, Array]:
        return self._compute(self._names, 2) if self._names else {}

    def _compute(self, names: Sequence[str], batch: int) -> dict[str, Array]:
        feeds = {name: np.repeat(value, batch, axis=0) for name, value in self._feeds.items()}
        return dict(zip(names, self.evaluator.run(names, feeds), strict=True))


def _length(value: Any) -> int:
    """Of the first axis, where there is more than one: a list of numbers may be a shape."""
    return len(value) if isinstance(value, np.ndarray) and value.ndim > 1 else 0


def _same(one: Any, other: Any) -> bool:
    return isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and np.array_equal(one, other)


class Forward:
    """The file's own graph from one tensor to the score, all else held at the values that the feeds give it.

    Many points are evaluated at once where the file has a batch axis of any length, the feeds hold one sample, and a
    batch of two different points has been seen to give the scores that they have alone.

    Args:
        evaluator: of the file.
        model: the file as loaded.
        tensor: the tensor that varies.
        outputs: the tensors that the score reads.
        score: computes it from them.
        feeds: value of every input of the file.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        model: ModelProto,
        tensor: str,
        outputs: Sequence[str],
        score: ScoreOf,
        feeds: Mapping[str, Array],
    ) -> None:
        self._score = score
        self._behind = Behind(evaluator, model, tensor, outputs, feeds)
        self._agreement = evaluator.agreement
        self._one_of_many = _one_sample_of_any_batch(model, feeds)
        self.point = self._behind.point
        self.here = self._alone(self.point)
        """The score at the point."""
        self.cost = evaluator.cost
        """Of one evaluation."""
        self._batch = self._largest_batch()
        self.evaluations = 1
        """Scores computed so far."""

    def scores(self, points: Array) -> Array:
        """(K, *shape of the tensor) -> (K,); the score of several samples is their sum."""
        self.evaluations += len(points)
        if self._batch == 1:
            return np.array([self._alone(point) for point in points])
        parts = range(0, len(points), self._batch)
        return np.concatenate([self._together(points[start : start + self._batch]) for start in parts])

    def _alone(self, point: Array) -> float:
        return float(np.sum(self._score(self._behind.run(point))))

    def _together(self, points: Array) -> Array:
        """Points of one sample each, along the batch axis."""
        scores = np.asarray(self._score(self._behind.run(points[:, 0], batch=len(points))))
        if scores.shape != (len(points),):
            raise InputError(f"a batch of {len(points)} has scores of shape {scores.shape}")
        return scores

    def _largest_batch(self) -> int:
        if not self._one_of_many or self.point.shape[:1] != (1,):
            return 1
        batch = min(64, _MEMORY // max(1, self.cost.peak))
        if batch < 2:
            return 1
        scale = float(np.abs(self.point).max(initial=0)) or 1.0
        other = self.point + 0.1 * scale * np.cos(np.arange(self.point.size)).reshape(self.point.shape)
        pair = np.stack([self.point, other])
        try:
            together = self._together(pair)
        except (DoublePrecisionError, InputError):
            # the file says that its batch axis is free, and has a shape inside that is not
            return 1
        alone = [self._alone(point) for point in pair]
        batch = min(batch, max(1, self._behind.largest_batch(_MEMORY)))
        return batch if np.allclose(together, alone, rtol=self._agreement, atol=0) else 1


def _one_sample_of_any_batch(model: ModelProto, feeds: Mapping[str, Array]) -> bool:
    weights = {weight.name for weight in model.graph.initializer}
    for value in model.graph.input:
        if value.name in weights:
            continue
        shape = value.type.tensor_type.shape
        free = len(shape.dim) > 0 and not shape.dim[0].HasField("dim_value")
        if not free or value.name not in feeds or feeds[value.name].shape[:1] != (1,):
            return False
    return True

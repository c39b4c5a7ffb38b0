"""The score as a function of one tensor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

    def __init__(self, model: ModelProto, known: Any = None) -> None: ...

    def run(self, outputs: Sequence[str] | None, feeds: Mapping[str, Array]) -> list[Array]: ...


class Behind:
    """The part of a model behind one tensor, and the values of all else that it reads.

    Attributes:
        evaluator: of the whole model.
        point: value of the tensor that the feeds give, float64.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        model: ModelProto,
        tensor: str,
        outputs: Sequence[str],
        feeds: Mapping[str, Array],
    ) -> None:
        self.evaluator = evaluator
        self._tensor, self._outputs = tensor, tuple(outputs)
        self._names = (tensor, *boundary(model, tensor, outputs))
        self._feeds = dict(feeds)
        self._boundaries: dict[int, dict[str, Array]] = {}
        self.point = np.asarray(self._boundary(1)[tensor], dtype=np.float64)

    def run(self, value: Array, batch: int = 1) -> dict[str, Array]:
        """The outputs by name, for a value of the tensor; for `batch` of them along the batch axis."""
        values = self.evaluator.run(self._outputs, {**self._boundary(batch), self._tensor: value})
        return dict(zip(self._outputs, values, strict=True))

    def _boundary(self, batch: int) -> dict[str, Array]:
        if batch not in self._boundaries:
            feeds = {
                name: np.repeat(value, batch, axis=0) if batch > 1 else value
                for name, value in self._feeds.items()
            }
            found = self.evaluator.run(self._names, feeds)
            self._boundaries[batch] = dict(zip(self._names, found, strict=True))
        return self._boundaries[batch]


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
        batch = int(np.clip(_MEMORY // max(1, self.cost.peak), 1, 64))
        if batch == 1:
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

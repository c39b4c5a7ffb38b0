"""The score as a function of one tensor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Protocol

import numpy as np
from onnx import ModelProto
from onnx.helper import make_tensor_type_proto, make_value_info, np_dtype_to_tensor_dtype

from inspector.check.cut import cut, leading_to
from inspector.check.reference import Array, DoublePrecisionError
from inspector.errors import InputError

__all__ = ["Behind", "Evaluator", "Forward", "ScoreOf"]

ScoreOf = Callable[[Mapping[str, Array]], Array]
"""Values of the outputs, by name -> the score of each sample, (N,)."""

_MEMORY = 256 * 2**20
"""Bytes of values that a batch of points may take."""


class Evaluator(Protocol):
    """What runs a model: `Float64Evaluator` or `Float32Evaluator`."""

    agreement: ClassVar[float]
    """Largest relative difference between a score computed in a batch and the same score computed alone."""

    def __init__(self, model: ModelProto) -> None: ...

    def run(self, outputs: Sequence[str] | None, feeds: Mapping[str, Array]) -> list[Array]: ...

    def footprint(self, feeds: Mapping[str, Array]) -> int: ...


class Behind:
    """The part of a model behind one tensor, and the values of all else that it reads.

    Attributes:
        point: value of the tensor that the feeds give, float64.
    """

    def __init__(
        self,
        evaluator: type[Evaluator],
        model: ModelProto,
        tensor: str,
        outputs: Sequence[str],
        feeds: Mapping[str, Array],
    ) -> None:
        part = cut(model, tensor, outputs)
        self._tensor, self._outputs = tensor, tuple(outputs)
        self._names = (tensor, *part.boundary)
        self._feeds = dict(feeds)
        self._before = evaluator(leading_to(model, self._names))
        self._boundaries: dict[int, dict[str, Array]] = {}
        values = self._boundary(1)
        self.point = np.asarray(values[tensor], dtype=np.float64)
        for declared in part.model.graph.input:
            value = values[declared.name]
            # shapes are left open for batches; sequences keep the type that the file declares
            if isinstance(value, np.ndarray):
                kind = np_dtype_to_tensor_dtype(value.dtype)
                declared.CopyFrom(make_value_info(declared.name, make_tensor_type_proto(kind, None)))
        self._part = evaluator(part.model)

    def run(self, value: Array, batch: int = 1) -> dict[str, Array]:
        """The outputs by name, for a value of the tensor; for `batch` of them along the batch axis."""
        values = self._part.run(self._outputs, {**self._boundary(batch), self._tensor: value})
        return dict(zip(self._outputs, values, strict=True))

    def footprint(self) -> int:
        """Bytes of the values that one run computes."""
        return self._part.footprint({**self._boundary(1), self._tensor: self.point})

    def _boundary(self, batch: int) -> dict[str, Array]:
        if batch not in self._boundaries:
            feeds = {
                name: np.repeat(value, batch, axis=0) if batch > 1 else value
                for name, value in self._feeds.items()
            }
            found = self._before.run(self._names, feeds)
            self._boundaries[batch] = dict(zip(self._names, found, strict=True))
        return self._boundaries[batch]


class Forward:
    """The file's own graph from one tensor to the score, all else held at the values that the feeds give it.

    Many points are evaluated at once where the file has a batch axis of any length, the feeds hold one sample, and a
    batch of two different points has been seen to give the scores that they have alone.

    Args:
        evaluator: runs the graphs.
        model: the file as loaded.
        tensor: the tensor that varies.
        outputs: the tensors that the score reads.
        score: computes it from them.
        feeds: value of every input of the file.
    """

    def __init__(
        self,
        evaluator: type[Evaluator],
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
        self._batch = 0
        self.point = self._behind.point
        self.evaluations = 0
        """Scores computed so far."""

    def scores(self, points: Array) -> Array:
        """(K, *shape of the tensor) -> (K,); the score of several samples is their sum."""
        if self._batch == 0:
            self._batch = self._largest_batch()
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
        batch = int(np.clip(_MEMORY // max(1, self._behind.footprint()), 1, 64))
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

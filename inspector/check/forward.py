"""The score as a function of one tensor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Protocol

import numpy as np
from onnx import ModelProto
from onnx.helper import make_tensor_type_proto, make_value_info, np_dtype_to_tensor_dtype

from inspector.check.cut import cut
from inspector.check.reference import Array, DoublePrecisionError
from inspector.errors import InputError

__all__ = ["Evaluator", "Forward", "ScoreOf", "evaluate_cut"]

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


def evaluate_cut(
    evaluator: type[Evaluator],
    model: ModelProto,
    tensor: str,
    outputs: Sequence[str],
    feeds: Mapping[str, Array],
) -> tuple[Evaluator, dict[str, Array]]:
    """Cut a model at a tensor: what evaluates the part behind it, and the values of all that it reads."""
    part = cut(model, tensor, outputs)
    names = [tensor, *part.boundary]
    values = dict(zip(names, evaluator(model).run(names, feeds), strict=True))
    for declared in part.model.graph.input:
        value = values[declared.name]
        # shapes are left open for batches; sequences keep the type that the file declares
        if isinstance(value, np.ndarray):
            kind = np_dtype_to_tensor_dtype(value.dtype)
            declared.CopyFrom(make_value_info(declared.name, make_tensor_type_proto(kind, None)))
    return evaluator(part.model), values


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
        self._outputs = tuple(outputs)
        self._score = score
        self._model = model
        self._feeds = dict(feeds)
        self._evaluator = evaluator
        self._tensor = tensor
        self._part, values = evaluate_cut(evaluator, model, tensor, outputs, feeds)
        self.point: Array = np.asarray(values.pop(tensor), dtype=np.float64)
        """Value of the tensor."""
        self._boundary = values
        self._batched: dict[str, Array] | None = None
        self._batch = 1
        self.evaluations = 0
        """Scores computed so far."""

    def scores(self, points: Array) -> Array:
        """(K, *shape of the tensor) -> (K,); the score of several samples is their sum."""
        if self.evaluations == 0 and len(points) > 1:
            self._try_batches()
        self.evaluations += len(points)
        if self._batched is None:
            return np.array([self._alone(point) for point in points])
        return np.concatenate(
            [
                self._together(points[start : start + self._batch])
                for start in range(0, len(points), self._batch)
            ]
        )

    def _alone(self, point: Array) -> float:
        values = self._part.run(self._outputs, {**self._boundary, self._tensor: point})
        return float(np.sum(self._score(dict(zip(self._outputs, values, strict=True)))))

    def _together(self, points: Array) -> Array:
        """Up to `_batch` points of one sample each, along the batch axis."""
        assert self._batched is not None
        missing = self._batch - len(points)
        full = np.concatenate([points, np.repeat(points[:1], missing, axis=0)]) if missing else points
        values = self._part.run(self._outputs, {**self._batched, self._tensor: full[:, 0]})
        scores = np.asarray(self._score(dict(zip(self._outputs, values, strict=True))))
        if scores.shape != (self._batch,):
            raise InputError(f"a batch of {self._batch} has scores of shape {scores.shape}")
        return scores[: len(points)]

    def _try_batches(self) -> None:
        if not _one_sample_of_any_batch(self._model, self._feeds) or self.point.shape[:1] != (1,):
            return
        footprint = self._part.footprint({**self._boundary, self._tensor: self.point})
        self._batch = int(np.clip(_MEMORY // max(1, footprint), 1, 64))
        if self._batch < 2:
            return
        scale = float(np.abs(self.point).max(initial=0)) or 1.0
        other = self.point + 0.1 * scale * np.cos(np.arange(self.point.size)).reshape(self.point.shape)
        pair = np.stack([self.point, other])
        alone = np.array([self._alone(point) for point in pair])
        feeds = {name: np.repeat(value, self._batch, axis=0) for name, value in self._feeds.items()}
        try:
            values = self._evaluator(self._model).run(list(self._boundary), feeds)
            self._batched = dict(zip(self._boundary, values, strict=True))
            together = self._together(pair)
        except (DoublePrecisionError, InputError):
            # the file says that its batch axis is free, and has a shape inside that is not
            self._batched = None
            return
        if not np.allclose(together, alone, rtol=self._evaluator.agreement, atol=0):
            self._batched = None


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

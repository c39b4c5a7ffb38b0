"""Evaluation in the file's own precision, by onnxruntime, where double precision is out of reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from onnx import ModelProto, TensorProto, ValueInfoProto
from onnx.helper import tensor_dtype_to_np_dtype

from inspector.check.reference import Array
from inspector.session import Session

__all__ = ["Float32Evaluator"]

_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)


class Float32Evaluator:
    """`Float64Evaluator`'s interface on onnxruntime's CPU provider: values keep the file's types.

    Raises:
        ModelError: onnxruntime refuses the model.
    """

    agreement: ClassVar[float] = 1e-5

    def __init__(self, model: ModelProto) -> None:
        self._model = model
        self._sessions: dict[tuple[str, ...], Session] = {}
        self._dtypes = {
            value.name: tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
            for value in model.graph.input
            if value.type.tensor_type.elem_type in _FLOATS
        }

    def run(self, outputs: Sequence[str] | None, feeds: Mapping[str, Array]) -> list[Array]:
        """Evaluate the named tensors (None: the model's outputs); floats are cast to what the inputs take."""
        names = tuple(value.name for value in self._model.graph.output) if outputs is None else tuple(outputs)
        given = {name: np.asarray(value, dtype=self._dtypes.get(name)) for name, value in feeds.items()}
        # onnxruntime returns no input as it is
        computed = tuple(name for name in names if name not in given)
        results = dict(given)
        if computed:
            results.update(self._session(computed).run(given, computed))
        return [results[name] for name in names]

    def footprint(self, feeds: Mapping[str, Array]) -> int:
        """Bytes of the feeds and a guess of the rest: the runtime frees what it no longer needs."""
        return 16 * sum(np.asarray(value).nbytes for value in feeds.values())

    def _session(self, outputs: tuple[str, ...]) -> Session:
        if outputs not in self._sessions:
            exposed = ModelProto()
            exposed.CopyFrom(self._model)
            del exposed.graph.output[:]
            exposed.graph.output.extend(ValueInfoProto(name=name) for name in outputs)
            self._sessions[outputs] = Session(exposed, providers=["cpu"])
        return self._sessions[outputs]

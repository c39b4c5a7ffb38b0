"""Evaluation by onnxruntime, where double precision is out of reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from onnx import ModelProto
from onnx.helper import (
    make_tensor_type_proto,
    make_value_info,
    np_dtype_to_tensor_dtype,
    tensor_dtype_to_np_dtype,
)

from inspector.check.cut import part
from inspector.check.reference import Array, Cost
from inspector.session import Session

__all__ = ["Float32Evaluator"]


class Float32Evaluator:
    """`Float64Evaluator`'s interface on onnxruntime's CPU provider: values keep the file's types.

    Args:
        model: the model; not modified. Where half precision is not wanted: `inspector.check.double.to_single` of it.

    Raises:
        ModelError: onnxruntime refuses the model.
    """

    agreement: ClassVar[float] = 1e-5

    def __init__(self, model: ModelProto) -> None:
        self._model = model
        self._sessions: dict[tuple[tuple[str, ...], tuple[str, ...], bool], Session] = {}
        self._declared = {value.name: value for value in model.graph.input}
        annotated = {value.name: value for value in (*model.graph.value_info, *model.graph.input)}
        self._dtypes: dict[str, np.dtype[Any]] = {
            name: tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
            for name, value in annotated.items()
            if value.type.HasField("tensor_type") and value.type.tensor_type.elem_type
        }
        self.cost = Cost()

    def run(self, outputs: Sequence[str] | None, feeds: Mapping[str, Array]) -> list[Array]:
        """Evaluate the named tensors (None: the model's outputs) from any others; floats are cast to their types."""
        names = tuple(value.name for value in self._model.graph.output) if outputs is None else tuple(outputs)
        results = {name: self._cast(name, value) for name, value in feeds.items()}
        # onnxruntime returns no input as it is
        computed = tuple(name for name in names if name not in feeds)
        if computed:
            results.update(self._computed(computed, results))
            self._dtypes.update({name: results[name].dtype for name in computed if _is_float(results[name])})
        # the runtime does not tell: it frees what it no longer needs
        self.cost = Cost(peak=16 * sum(np.asarray(value).nbytes for value in feeds.values()))
        return [results[name] for name in names]

    def _cast(self, name: str, value: Any) -> Any:
        """Floats in the type that the graph says, where it says one, else in single precision."""
        if not _is_float(value):
            return value
        return value.astype(self._dtypes.get(name, np.dtype(np.float32)), copy=False)

    def _computed(self, outputs: tuple[str, ...], feeds: Mapping[str, Array]) -> dict[str, Array]:
        # what the runtime knows of shapes decides what it fuses, and so how it rounds: it is told what the file says,
        # unless this is a batch of more samples
        fits = all(self._fits(name, value) for name, value in feeds.items())
        key = outputs, tuple(feeds), fits
        if key not in self._sessions:
            cut = part(self._model, list(feeds), outputs)
            for declared in cut.graph.input:
                value = feeds[declared.name]
                told = fits and declared.name in self._declared
                # (sequences keep the type that the file declares)
                if isinstance(value, np.ndarray) and not told:
                    kind = np_dtype_to_tensor_dtype(value.dtype)
                    declared.CopyFrom(make_value_info(declared.name, make_tensor_type_proto(kind, None)))
            self._sessions[key] = Session(cut, providers=["cpu"])
        return self._sessions[key].run(feeds, outputs)

    def _fits(self, name: str, value: Any) -> bool:
        """Whether a value is of the type and shape that the model declares for it, where it is an input."""
        if name not in self._declared or not isinstance(value, np.ndarray):
            return True
        tensor = self._declared[name].type.tensor_type
        if tensor.elem_type != np_dtype_to_tensor_dtype(value.dtype):
            return False
        dims = tensor.shape.dim if tensor.HasField("shape") else ()
        return not tensor.HasField("shape") or (
            len(dims) == value.ndim
            and all(n == (dim.dim_value or n) for dim, n in zip(dims, value.shape, strict=True))
        )


def _is_float(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"

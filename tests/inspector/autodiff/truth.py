"""The forward pass in float64: the product's evaluator, and what only these tests need beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from inspector.check.kernels import OPERATORS
from inspector.check.kernels.call import Call, Kernel, operator

from .case import Array


def pad(
    _: Call,
    data: Array,
    pads: Array,
    constant: Array | None = None,
    axes: Array | None = None,
    *,
    mode: str = "constant",
) -> Array:
    """Pad; onnx.reference refuses negative widths, which crop."""
    along = [int(axis) % data.ndim for axis in (range(data.ndim) if axes is None else axes)]
    half = len(pads) // 2
    widths = [(0, 0)] * data.ndim
    for axis, begin, end in zip(along, pads[:half], pads[half:], strict=True):
        widths[axis] = (int(begin), int(end))
    crop = tuple(
        slice(max(-begin, 0), size - max(-end, 0))
        for (begin, end), size in zip(widths, data.shape, strict=True)
    )
    border = [(max(begin, 0), max(end, 0)) for begin, end in widths]
    options: dict[str, Any] = (
        {} if mode != "constant" else {"constant_values": 0 if constant is None else constant.item()}
    )
    return np.pad(data[crop], border, mode=mode, **options)  # type: ignore[call-overload,no-any-return]


def gather_elements(_: Call, data: Array, indices: Array, *, axis: int = 0) -> Array:
    """GatherElements; onnx.reference fails for a negative axis."""
    along = axis % data.ndim
    part = tuple(slice(n) if other != along else slice(None) for other, n in enumerate(indices.shape))
    return np.take_along_axis(data[part], indices, along)


def global_max_pool(_: Call, x: Array) -> Array:
    """GlobalMaxPool; onnx.reference gets the shape wrong unless there are two spatial axes."""
    result: Array = x.max(axis=tuple(range(2, x.ndim)), keepdims=True)
    return result


ADDED: dict[str, Kernel] = {"Pad": pad, "GatherElements": gather_elements, "GlobalMaxPool": global_max_pool}
_OPERATORS = [*OPERATORS, *(operator(name, kernel) for name, kernel in ADDED.items())]


class Evaluator:
    """Runs a model whose floats are float64."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._reference = ReferenceEvaluator(model, new_ops=_OPERATORS)

    def run(self, outputs: Sequence[str], feeds: Mapping[str, Array]) -> list[Array]:
        results: Any = self._reference.run(list(outputs), dict(feeds))
        return list(results)

"""The forward pass of a model that is float64 already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnx
from onnx.reference import ReferenceEvaluator

from inspector.check.kernels import OPERATORS

from .case import Array


class Evaluator:
    """Runs a model whose floats are float64."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._reference = ReferenceEvaluator(model, new_ops=list(OPERATORS))

    def run(self, outputs: Sequence[str], feeds: Mapping[str, Array]) -> list[Array]:
        results: Any = self._reference.run(list(outputs), dict(feeds))
        return list(results)

"""The forward pass of a model in float64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx

from inspector.check.reference import Float64Evaluator

from .case import Array


class Evaluator:
    """Runs a model as if its floats were float64."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._reference = Float64Evaluator(model)

    def run(self, outputs: Sequence[str], feeds: Mapping[str, Array]) -> list[Array]:
        return self._reference.run(list(outputs), dict(feeds))

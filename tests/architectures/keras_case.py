"""One Keras architecture: built, settled, exported, inspected."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from export import export_keras
from inspector import Inspector, Target
from tests.architectures.keras_truth import gradients, middle_layer, settle, widened
from tests.architectures.measure import Array, describe, distance, double_gradients, explained
from tests.architectures.row import FORWARD, Row

__all__ = ["KerasCase", "measure"]

LOGIT = 3
CLASSES = 10


@dataclass(frozen=True)
class KerasCase:
    """A family of `keras.applications`.

    Attributes:
        name: the member of it that is built.
        size: of its input, a square of three channels.
        options: of its constructor.
    """

    name: str
    size: int
    options: tuple[tuple[str, Any], ...] = ()
    opset: int = 18

    def __str__(self) -> str:
        return f"{self.name}-{self.opset}"

    def build(self) -> Any:
        """The model with Keras's own initial weights, ending in logits; batch normalisation as it is."""
        keras.utils.set_random_seed(0)
        constructor: Callable[..., Any] = getattr(keras.applications, self.name)
        return constructor(
            weights=None,
            classes=CLASSES,
            input_shape=(self.size, self.size, 3),
            classifier_activation=None,
            **dict(self.options),
        )

    def pictures(self, scale: float = 1.0) -> Array:
        """Two random pictures, (2, H, W, 3) float32."""
        rng = np.random.default_rng(7)
        return (scale * rng.standard_normal((2, self.size, self.size, 3))).astype(np.float32)


def measure(case: KerasCase, folder: Path, row: Row) -> None:
    """Fills in the row; raises whatever goes wrong on the way, with the row as far as it came."""
    started = time.monotonic()
    keras.backend.clear_session()
    x = case.pictures()
    model = settle(case.build(), x)
    row.input = x.shape[1:]
    layer = middle_layer(model)
    path = folder / f"{case}.onnx"
    row.forward = max(export_keras(model, path, [layer], case.opset, tolerance=FORWARD).values())
    row.layer = layer
    compare(case, model, path, row, x)
    row.seconds = time.monotonic() - started


def compare(case: KerasCase, model: Any, path: Path, row: Row, x: Array) -> None:
    """The file's gradients beside the model's."""
    lens = Inspector(path, providers="cpu", threads=1)
    describe(row, lens)
    name = lens.inputs[0].name
    target = Target(lens.outputs[0].name, index=LOGIT)
    row.score = str(target)
    names = [name, *([] if row.layer is None else [row.layer])]
    ours = lens.gradient(x, target=target, wrt=names, score="output")
    layer = row.layer or middle_layer(model)
    at_input, at_layer = gradients(model, x, LOGIT, layer)
    row.at_input = distance(ours[name], at_input)
    if row.layer is not None:
        row.at_layer = distance(ours[layer], at_layer)
    if max(row.at_input, row.at_layer or 0) > 1e-5:
        at_input, at_layer = gradients(widened(case.build, model), x, LOGIT, layer)
        wide = double_gradients(lens, {name: x}, target, names)
        row.double_input = distance(wide[name], at_input)
        if row.layer is not None:
            row.double_layer = distance(wide[layer], at_layer)
    explained(row, lens, {name: x}, target)

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
from tests.architectures.draws import DRAWS, Array, first_steady
from tests.architectures.keras_truth import gradients, middle_layer, settle, widened
from tests.architectures.measure import compare, describe, explained
from tests.architectures.pictures import pictures
from tests.architectures.row import FORWARD, Row

__all__ = ["KerasCase", "compare_file", "measure"]

LOGIT = 3
CALIBRATION = 12  # pictures that batch normalisation is fitted to
CLASSES = 10


@dataclass(frozen=True)
class KerasCase:
    """A family of `keras.applications`.

    Attributes:
        name: the member of it that is built.
        size: of its input, a square of three channels.
        options: of its constructor.
        opset: of the file.
        draw: makes pictures, (count, channels, size, size), given count, size, channels and seed.
        draws: how many batches the one to compare on is chosen among.
        label: what tells this case from another of the same member.
    """

    name: str
    size: int
    options: tuple[tuple[str, Any], ...] = ()
    opset: int = 18
    draw: Callable[[int, int, int, int], Array] = pictures
    draws: int = DRAWS
    label: str = ""

    @property
    def title(self) -> str:
        """The name in the table."""
        return f"{self.name}, {self.label}" if self.label else self.name

    def __str__(self) -> str:
        return f"{self.title}-{self.opset}".replace(" ", "_")

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

    def pictures(self, count: int, seed: int = 0) -> Array:
        """Random pictures, (count, H, W, 3) float32."""
        return np.ascontiguousarray(np.moveaxis(self.draw(count, self.size, 3, seed), 1, -1))


def measure(case: KerasCase, folder: Path, row: Row) -> None:
    """Fills in the row; raises whatever goes wrong on the way, with the row as far as it came."""
    started = time.monotonic()
    keras.backend.clear_session()
    many = case.pictures(CALIBRATION)
    model = settle(case.build(), many)
    row.input = many.shape[1:]
    row.layer = model.layers[middle_layer(model)].name
    path = folder / f"{case}.onnx"
    row.forward = max(export_keras(model, path, [row.layer], case.opset, tolerance=FORWARD).values())
    compare_file(case, model, path, row)
    row.seconds = time.monotonic() - started


def compare_file(case: KerasCase, model: Any, path: Path, row: Row) -> None:
    """The file's gradients beside the model's; at the input alone where the row names no layer."""
    lens = Inspector(path, providers="cpu", threads=1)
    describe(row, lens)
    name, layer = lens.inputs[0].name, middle_layer(model)
    target = Target(lens.outputs[0].name, index=LOGIT)
    row.score = str(target)
    wide = widened(case.build, model)

    def truth(of: Any, x: Array) -> dict[str, Array]:
        found = gradients(of, x, LOGIT, (name, row.layer or ""), layer)
        return found if row.layer is not None else {name: found[name]}

    batches = (case.pictures(2, seed) for seed in range(case.draws))
    draw = first_steady(batches, lambda x: truth(model, x), lambda x: truth(wide, x))
    compare(row, lens, lambda x: {name: x}, target, draw)
    explained(row, lens, {name: draw.x}, target)

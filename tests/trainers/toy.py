"""A learner without a framework, for what the loop, the run folder and the command do with any learner."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainers.errors import TrainerError
from trainers.learner import Logits
from trainers.models import Spec
from trainers.settings import Settings


class ToyLearner:
    """Logistic regression on the pixels with momentum: a weight matrix per output, and a state beside it."""

    def __init__(self, spec: Spec, settings: Settings) -> None:
        pixels = spec.size[0] * spec.size[1] * len(spec.channels)
        random = np.random.default_rng(settings.seed)
        self.spec = spec
        self.rate = 0.0
        self.rates: list[float] = []
        self.weights = {
            head.output: random.normal(0, 1e-3, (pixels, head.units)).astype(np.float32)
            for head in spec.heads
        }
        self.momentum = {name: np.zeros_like(value) for name, value in self.weights.items()}

    @property
    def module(self) -> Any:
        return self.weights

    def set_learning_rate(self, rate: float) -> None:
        self.rate = rate
        self.rates.append(rate)

    def train_batch(
        self, images: NDArray[np.uint8], targets: Mapping[str, NDArray[np.int64]]
    ) -> tuple[float, Logits]:
        logits = self.predict(images)
        x = _flat(images)
        loss = 0.0
        for head in self.spec.heads:
            z, target = logits[head.output], targets[head.output]
            if head.units == 1:
                share = 1 / (1 + np.exp(-z))
                error = share - target[:, None]
                loss += float(np.logaddexp(0, z[:, 0] * (1 - 2 * target)).mean())
            else:
                share = np.exp(z - np.logaddexp.reduce(z, axis=1, keepdims=True))
                error = share - np.eye(head.units)[target]
                loss -= float(np.log(share[np.arange(len(z)), target]).mean())
            step = (x.T @ error / len(x)).astype(np.float32)
            self.momentum[head.output] = np.float32(0.9) * self.momentum[head.output] + step
            self.weights[head.output] = (
                self.weights[head.output] - np.float32(self.rate) * self.momentum[head.output]
            )
        return loss, logits

    def predict(self, images: NDArray[np.uint8]) -> Logits:
        return {name: _flat(images) @ weight for name, weight in self.weights.items()}

    def save(self, path: Path, note: str) -> None:
        momentum = {f"momentum.{name}": value for name, value in self.momentum.items()}
        self._write(path, self.weights | momentum | {"note": np.array(note)})

    def load(self, path: Path) -> str:
        self.load_weights(path)
        with np.load(path) as state:
            self.momentum = {name: state[f"momentum.{name}"] for name in self.weights}
            return str(state["note"])

    def save_weights(self, path: Path) -> None:
        self._write(path, self.weights)

    def load_weights(self, path: Path) -> None:
        try:
            with np.load(path) as state:
                self.weights = {name: state[name] for name in self.weights}
        except ValueError as error:
            raise TrainerError(f"{path} is damaged") from error

    @staticmethod
    def _write(path: Path, arrays: Mapping[str, Any]) -> None:
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        path.write_bytes(buffer.getvalue())


def _flat(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return images.reshape(len(images), -1).astype(np.float32) / 255

"""What a framework has to supply to be trained here; `trainers.training` does the rest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Learner", "Logits"]

Logits = dict[str, NDArray[np.float32]]
"""Output name -> (N, units)."""


class Learner(Protocol):
    """A model and its optimiser in one framework. Images are uint8 (N, H, W, C), targets int64 (N,) per output."""

    @property
    def module(self) -> Any:
        """The framework's own model."""
        ...

    def set_learning_rate(self, rate: float) -> None:
        """Use `rate` from the next batch on."""
        ...

    def train_batch(
        self, images: NDArray[np.uint8], targets: Mapping[str, NDArray[np.int64]]
    ) -> tuple[float, Logits]:
        """One step of the optimiser; the batch's mean loss and its logits, both from before the step."""
        ...

    def predict(self, images: NDArray[np.uint8]) -> Logits:
        """The logits of one batch, in inference mode."""
        ...

    def save(self, path: Path, note: str) -> None:
        """Write weights, optimiser and `note` to one file."""
        ...

    def load(self, path: Path) -> str:
        """Take up where `save` left off; returns its note. Raises `TrainerError` for anything but such a file."""
        ...

    def save_weights(self, path: Path) -> None:
        """Write the weights alone."""
        ...

    def load_weights(self, path: Path) -> None:
        """Read weights from what `save` or `save_weights` wrote; `TrainerError` for anything else."""
        ...

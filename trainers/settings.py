"""How a model is trained: everything that, with the data set, decides what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from trainers.errors import TrainerError
from trainers.models import Spec

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """The knobs of a training, in the same words for both frameworks.

    `epochs` is the most that will run; `patience` epochs without a better one end it early. `validation_share` of
    the training side chooses the best epoch; the test side is looked at once, at the end. `loss_weights` multiplies
    the loss of an output (1 where it names none).
    """

    seed: int = 0
    epochs: int = 8
    batch_size: int = 256
    learning_rate: float = 1e-3
    patience: int = 4
    validation_share: float = 0.05
    loss_weights: Mapping[str, float] = field(default_factory=dict)

    def checked(self, spec: Spec) -> Settings:
        """These settings, if they make sense for `spec`.

        Raises:
            TrainerError: a value out of range, or a weight for an output that `spec` has not.
        """
        for name in ("epochs", "batch_size", "patience", "learning_rate"):
            if not getattr(self, name) > 0:
                raise TrainerError(f"{name} must be above 0, not {getattr(self, name)}")
        if self.seed < 0:
            raise TrainerError(f"the seed must not be negative, and {self.seed} is")
        for output, weight in self.loss_weights.items():
            if output not in spec.outputs:
                known = ", ".join(spec.outputs)
                raise TrainerError(f"{spec.name} has no output {output!r} to weight; it has {known}")
            if not 0 <= weight < float("inf"):
                raise TrainerError(f"the loss weight of {output} must be a number from 0 on, not {weight}")
        return self

    def weight(self, output: str) -> float:
        """The factor of an output's loss."""
        return self.loss_weights.get(output, 1.0)

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary; `Settings(**d)` reads it back."""
        return {**asdict(self), "loss_weights": dict(self.loss_weights)}

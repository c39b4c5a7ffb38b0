"""Learning rate, best epoch and early stop, as functions of the history alone: resuming needs no other state."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["best_epoch", "cosine_rate", "has_stalled"]

Record = Mapping[str, Any]


def cosine_rate(base: float, epoch: int, epochs: int) -> float:
    """The learning rate of an epoch, counted from 1: half a cosine from `base` towards 0.

    Loshchilov & Hutter 2017, "SGDR", equation 5, with one period of `epochs` and a minimum of 0, evaluated at the
    start of the epoch: the first runs at `base`, none at 0.
    """
    return base * 0.5 * (1 + math.cos(math.pi * (epoch - 1) / epochs))


def best_epoch(history: Sequence[Record]) -> int:
    """The epoch, counted from 1, with the highest validation accuracy; the lower validation loss breaks ties.

    0 for an empty history. Of equals, the first.
    """
    if not history:
        return 0
    best = max(history, key=lambda record: (record["val_accuracy"], -record["val_loss"], -record["epoch"]))
    return int(best["epoch"])


def has_stalled(history: Sequence[Record], patience: int) -> bool:
    """Whether the last `patience` epochs brought nothing better than what was before them."""
    return len(history) - best_epoch(history) >= patience

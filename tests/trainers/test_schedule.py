"""Learning rate, best epoch and early stop are functions of numbers: no model is needed to test them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from trainers.schedule import best_epoch, cosine_rate, has_stalled


def history(*scores: tuple[float, float]) -> list[dict[str, Any]]:
    return [
        {"epoch": epoch, "val_accuracy": accuracy, "val_loss": loss}
        for epoch, (accuracy, loss) in enumerate(scores, 1)
    ]


def test_the_rate_falls_along_half_a_cosine() -> None:
    rates = [cosine_rate(0.1, epoch, 4) for epoch in range(1, 5)]
    assert rates == pytest.approx([0.1, 0.05 * (1 + math.sqrt(0.5)), 0.05, 0.05 * (1 - math.sqrt(0.5))])


@pytest.mark.parametrize("epochs", [1, 2, 7, 100])
def test_the_first_epoch_has_the_base_rate_and_none_has_zero(epochs: int) -> None:
    rates = [cosine_rate(0.3, epoch, epochs) for epoch in range(1, epochs + 1)]
    assert rates[0] == 0.3
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] > 0


def test_an_empty_history_has_no_best_epoch_and_has_not_stalled() -> None:
    assert best_epoch([]) == 0
    assert not has_stalled([], patience=1)


def test_accuracy_decides_then_loss_then_the_earlier() -> None:
    assert best_epoch(history((0.5, 0.1), (0.9, 0.9), (0.8, 0.2))) == 2
    assert best_epoch(history((0.9, 0.9), (0.9, 0.3), (0.9, 0.5))) == 2
    assert best_epoch(history((0.9, 0.3), (0.9, 0.3))) == 1


def test_a_plateau_is_as_many_epochs_as_patience_without_a_better_one() -> None:
    plateau = history((0.5, 1.0), (0.7, 1.0), (0.7, 1.0), (0.6, 0.1))
    assert has_stalled(plateau, patience=2)
    assert not has_stalled(plateau, patience=3)
    # the same accuracy with a lower loss is progress
    assert not has_stalled([*plateau[:3], *history((0, 0), (0, 0), (0, 0), (0.7, 0.9))[3:]], patience=1)

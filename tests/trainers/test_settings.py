"""Settings out of range are refused before anything is written."""

from __future__ import annotations

from typing import Any

import pytest

from trainers.errors import TrainerError
from trainers.models import get_spec
from trainers.settings import Settings


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"epochs": 0}, "epochs must be above 0"),
        ({"batch_size": -1}, "batch_size must be above 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be above 0"),
        ({"seed": -1}, "seed must not be negative"),
        (
            {"loss_weights": {"angel": 2.0}},
            "no output 'angel' to weight; it has length, width, angle, colour",
        ),
        ({"loss_weights": {"angle": -1.0}}, "loss weight of angle"),
        ({"loss_weights": {"angle": float("inf")}}, "loss weight of angle"),
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(TrainerError, match=said):
        Settings(**wrong).checked(get_spec("section2-line"))


def test_settings_survive_json() -> None:
    settings = Settings(seed=3, loss_weights={"angle": 2.0})
    assert Settings(**settings.to_json()) == settings
    assert settings.weight("angle") == 2
    assert settings.weight("width") == 1

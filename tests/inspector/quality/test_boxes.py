"""Peaks and energies that lie inside, outside and everywhere."""

from __future__ import annotations

import numpy as np
import pytest

from inspector import Inspector
from inspector.errors import InputError
from inspector.quality.boxes import energy_in_box, pointing_game
from tests.inspector.quality.trials import linear, one_hot, pixels, ranks, trial

LENS = Inspector(linear(ranks()))
INSIDE = np.zeros((4, 4), bool)
INSIDE[:2, :2] = True


def pointing(heatmap: np.ndarray, tolerance: float = 0.0) -> float:
    made = trial(LENS, pixels(), heatmap, inside=INSIDE)
    return pointing_game(made, tolerance=tolerance).values["pointing-game"]


def energy(heatmap: np.ndarray) -> float:
    return energy_in_box(trial(LENS, pixels(), heatmap, inside=INSIDE)).values["energy-in-box"]


def test_the_highest_place() -> None:
    assert pointing(one_hot(5)) == 1
    assert pointing(one_hot(6)) == 0
    # 1 and 1.41 places away from the object
    assert pointing(one_hot(6), tolerance=1 / 4) == 1
    assert pointing(one_hot(10), tolerance=1 / 4) == 0
    assert pointing(one_hot(10), tolerance=1.5 / 4) == 1
    assert pointing(one_hot(5) + one_hot(6)) == 0.5
    # relevance against the class is no peak
    assert pointing(0.5 * one_hot(5) - one_hot(6)) == 1


def test_a_constant_map_scores_what_chance_would() -> None:
    assert pointing(np.ones((4, 4))) == energy(np.ones((4, 4))) == 0.25


def test_the_energy() -> None:
    assert energy(one_hot(5)) == 1
    assert energy(one_hot(15)) == 0
    np.testing.assert_allclose(energy(one_hot(0) + 3 * one_hot(15) - 9 * one_hot(14)), 0.25)
    assert energy(np.zeros((4, 4))) == energy(-np.ones((4, 4))) == 0


def test_without_boxes_there_is_no_number() -> None:
    made = trial(LENS, pixels(), ranks())
    assert np.isnan(pointing_game(made).values["pointing-game"])
    assert np.isnan(energy_in_box(made).values["energy-in-box"])


def test_a_negative_tolerance_is_refused() -> None:
    with pytest.raises(InputError, match="tolerance"):
        pointing(one_hot(), tolerance=-1)

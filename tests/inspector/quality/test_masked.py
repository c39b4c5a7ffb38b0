"""Average drop, increase and gain of a model whose probability is a logistic function of known weights."""

from __future__ import annotations

import numpy as np

from inspector import Inspector
from inspector.quality.masked import average_drop
from tests.inspector.quality.trials import linear, one_hot, ranks, trial

X = np.ones((1, 1, 4, 4), np.float32)


def logistic(z: float) -> float:
    return 1 / (1 + np.exp(-z))


def found(weights: np.ndarray, heatmap: np.ndarray) -> list[float]:
    made = trial(Inspector(linear(weights)), X, heatmap, target=0)
    values = average_drop(made, baseline="zero").values
    return [values[name] for name in ("average-drop", "increase", "average-gain")]


def test_a_map_that_shows_everything_changes_nothing() -> None:
    assert found(one_hot(), np.ones((4, 4))) == [0, 0, 0]


def test_a_map_that_shows_what_counts_changes_nothing() -> None:
    assert found(2 * one_hot(), one_hot()) == [0, 0, 0]


def test_a_map_that_shows_nothing_of_it() -> None:
    p, o = logistic(2), 0.5
    np.testing.assert_allclose(found(2 * one_hot(5), one_hot(6)), [(p - o) / p, 0, 0], rtol=1e-6)


def test_a_map_that_hides_what_speaks_against_it() -> None:
    p, o = logistic(2 - 3), logistic(2)
    np.testing.assert_allclose(
        found(2 * one_hot(5) - 3 * one_hot(6), one_hot(5)), [0, 1, (o - p) / (1 - p)], rtol=1e-6
    )


def test_places_are_left_as_far_as_the_map_is_high_and_negative_relevance_hides() -> None:
    heatmap = one_hot(5) + 0.25 * one_hot(6) - one_hot(7)
    weights = one_hot(5) + 4 * one_hot(6) + 2 * one_hot(7)
    p, o = logistic(1 + 4 + 2), logistic(1 + 0.25 * 4)
    np.testing.assert_allclose(found(weights, heatmap), [(p - o) / p, 0, 0], rtol=1e-6)


def test_the_scale_of_a_map_plays_no_part() -> None:
    assert found(ranks() / 10, ranks()) == found(ranks() / 10, 7 * ranks())

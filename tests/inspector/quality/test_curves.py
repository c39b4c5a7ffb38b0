"""Insertion and deletion: areas that are known, and the definition written down again."""

from __future__ import annotations

import numpy as np
import pytest

from inspector import Inspector
from inspector.errors import InputError
from inspector.quality.curves import deletion, insertion
from tests.inspector.quality.trials import PLACES, ROUNDING, linear, one_hot, pixels, ranks, trial

ONES = np.ones((1, 1, 4, 4), np.float32)


def areas(weights: np.ndarray, heatmap: np.ndarray) -> tuple[float, float]:
    made = trial(Inspector(linear(weights)), ONES, heatmap)
    return (
        insertion(made, steps=PLACES, baseline="zero").values["insertion"],
        deletion(made, steps=PLACES, baseline="zero").values["deletion"],
    )


def test_a_perfect_map_and_the_same_upside_down() -> None:
    # the score is the one pixel: it comes, or goes, with the first place
    best, worst = 1 - 1 / (2 * PLACES), 1 / (2 * PLACES)
    np.testing.assert_allclose(areas(one_hot(), one_hot()), (best, worst), atol=ROUNDING)
    np.testing.assert_allclose(areas(one_hot(), -one_hot()), (worst, best), atol=ROUNDING)


def test_where_all_places_count_alike_every_order_is_as_good() -> None:
    for heatmap in (ranks(), np.ones((4, 4)), one_hot()):
        np.testing.assert_allclose(areas(np.full(PLACES, 1 / PLACES), heatmap), 0.5, atol=ROUNDING)


@pytest.mark.parametrize("steps", [1, 5, PLACES])
def test_the_definition(steps: int) -> None:
    weights, x, heatmap = np.random.default_rng(3).normal(size=PLACES), pixels(), ranks()
    made = trial(Inspector(linear(weights)), x, heatmap)
    order = np.argsort(-heatmap.ravel())
    heights = {"insertion": [], "deletion": []}
    for step in range(steps + 1):
        first = order[: round(PLACES * step / steps)]
        inserted = np.full(PLACES, 0.5)
        deleted = x.ravel().astype(float).copy()
        inserted[first], deleted[first] = x.ravel()[first], 0.5
        heights["insertion"].append(weights @ inserted)
        heights["deletion"].append(weights @ deleted)
    shares = np.array([round(PLACES * step / steps) / PLACES for step in range(steps + 1)])
    for name, metric in (("insertion", insertion), ("deletion", deletion)):
        found = metric(made, steps=steps, baseline=0.5)
        across, up = found.curves[name]
        np.testing.assert_array_equal(across, shares)
        tolerance = 2 * ROUNDING * np.abs(weights).sum()
        np.testing.assert_allclose(up, heights[name], atol=tolerance)
        np.testing.assert_allclose(found.values[name], np.trapezoid(heights[name], shares), atol=tolerance)


def test_of_a_class_it_is_the_probability() -> None:
    made = trial(Inspector(linear(3 * one_hot())), ONES, one_hot(), target=0)
    _, heights = insertion(made, steps=PLACES, baseline="zero").curves["insertion"]
    sure = 1 / (1 + np.exp(-3.0))
    np.testing.assert_allclose(heights, [0.5] + [sure] * PLACES, rtol=1e-6)


def test_ties_are_broken_by_chance_and_always_alike() -> None:
    lens = Inspector(linear(ranks()))
    orders = [trial(lens, ONES, np.ones((4, 4)), seed=seed).order.tolist() for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
    assert orders[0] != sorted(orders[0])


def test_no_steps_are_refused() -> None:
    with pytest.raises(InputError, match="at least one step"):
        deletion(trial(Inspector(linear(ranks())), ONES, ranks()), steps=0)


def test_a_map_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match="does not lie over it"):
        trial(Inspector(linear(ranks())), ONES, np.ones((2, 2)))

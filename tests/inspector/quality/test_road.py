"""Imputation against a dense system written down pixel by pixel, and what follows for the metric."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector import Inspector
from inspector.errors import InputError
from inspector.quality.road import impute, road
from tests.inspector.quality.trials import linear, pixels, ranks, trial


def dense(picture: NDArray[np.float64], gone: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Every pixel an equation: a known one is itself, a removed one the weighted mean of its neighbours."""
    height, width = gone.shape
    system, known = np.zeros((gone.size, gone.size)), np.zeros((gone.size, len(picture)))
    for i in range(height):
        for j in range(width):
            here = i * width + j
            if not gone[i, j]:
                system[here, here], known[here] = 1, picture[:, i, j]
                continue
            around = [
                (k, m)
                for k in range(max(i - 1, 0), min(i + 2, height))
                for m in range(max(j - 1, 0), min(j + 2, width))
                if (k, m) != (i, j)
            ]
            weights = np.array([1 / 6 if k == i or m == j else 1 / 12 for k, m in around])
            system[here, here] = 1
            for (k, m), weight in zip(around, weights / weights.sum(), strict=True):
                system[here, k * width + m] -= weight
    return np.linalg.solve(system, known).T.reshape(picture.shape)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_definition(share: float) -> None:
    random = np.random.default_rng(4)
    picture, gone = random.normal(size=(3, 9, 7)), random.random((9, 7)) < share
    np.testing.assert_allclose(impute(picture, gone), dense(picture, gone), atol=1e-12)


def test_a_slope_is_filled_in_as_it_was() -> None:
    slope = np.add.outer(np.arange(8.0), 2 * np.arange(9.0))[None]
    gone = np.zeros((8, 9), bool)
    gone[2:6, 1:7] = True
    np.testing.assert_allclose(impute(np.where(gone, 99.0, slope), gone), slope, atol=1e-12)


def test_nothing_gone_is_nothing_changed() -> None:
    picture = np.ones((1, 3, 3))
    assert impute(picture, np.zeros((3, 3), bool)) is picture


def test_a_map_upside_down_scores_the_opposite() -> None:
    lens = Inspector(linear(np.random.default_rng(5).normal(size=16)))
    upright, inverted = (road(trial(lens, pixels(), sign * ranks())).values for sign in (1, -1))
    assert upright["road"] == -inverted["road"] != 0
    assert (upright["road-morf"], upright["road-lerf"]) == (inverted["road-lerf"], inverted["road-morf"])


def test_the_definition_of_the_score() -> None:
    weights, x, heatmap = np.random.default_rng(6).normal(size=16), pixels(), ranks()
    found = road(trial(Inspector(linear(weights)), x, heatmap), shares=(0.25, 0.5), noise=0.0).values
    picture = x[0].astype(float)
    order = np.argsort(-heatmap.ravel())
    ends = {"road-morf": order, "road-lerf": order[::-1]}
    for name, ordered in ends.items():
        scores = []
        for count in (4, 8):
            gone = np.zeros(16, bool)
            gone[ordered[:count]] = True
            scores.append(dense(picture, gone.reshape(4, 4)).ravel() @ weights)
        np.testing.assert_allclose(found[name], np.mean(scores), rtol=1e-5)
    np.testing.assert_allclose(found["road"], found["road-lerf"] - found["road-morf"])


def test_a_picture_of_one_colour_has_nothing_to_lose() -> None:
    lens = Inspector(linear(np.random.default_rng(7).normal(size=16)))
    flat = np.full((1, 1, 4, 4), 0.5, np.float32)
    np.testing.assert_allclose(road(trial(lens, flat, ranks())).values["road"], 0, atol=1e-6)


@pytest.mark.parametrize("shares", [(), (0.0,), (0.5, 1.0)])
def test_shares_that_leave_nothing_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="shares between 0 and 1"):
        road(trial(Inspector(linear(ranks())), pixels(), ranks()), shares=shares)

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.check.stencil import Slope, measure_noise, measure_slopes

Array = NDArray[Any]
LINE = np.ones((1, 1))


def slope(function: Any, at: float = 0.0, claim: float = 1.0, noise: float = 1e-16) -> Slope:
    point = np.array([at])
    here = float(function(point)[0])
    return measure_slopes(lambda x: function(x[:, 0]), point, here, LINE, np.array([claim]), 1.0, noise)[0]


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (lambda x: x**2, 3.0, 6.0),
        (np.exp, 1.0, np.e),
        (lambda x: np.sin(50 * x), 0.1, 50 * np.cos(5)),
        (lambda x: np.maximum(x, 0) ** 2, 0.5, 1.0),
    ],
)
def test_smooth_functions(function: Any, at: float, expected: float) -> None:
    found = slope(function, at, expected, noise=1e-15)
    assert found.kind == "smooth"
    assert found.value == pytest.approx(expected, rel=3e-8)


@pytest.mark.parametrize("jump", [1.0, 1e-2])
def test_a_kink_at_the_point_is_seen(jump: float) -> None:
    for claim in (0.0, 1.0, 1 + jump):
        assert slope(lambda x: x + jump * np.maximum(x, 0), claim=claim).kind == "kink"


@pytest.mark.parametrize("jump", [1e-4, 1e-5])
def test_what_a_small_kink_can_make_of_a_slope_is_its_tolerance(jump: float) -> None:
    found = slope(lambda x: x + jump * np.maximum(x, 0), claim=1.0)
    assert found.kind == "smooth"
    assert found.tolerance == pytest.approx(2 * jump, rel=0.2)
    assert 1 - found.tolerance <= found.value <= 1 + jump + found.tolerance


@pytest.mark.parametrize("claim", [0.0, 1e6])
def test_a_kink_hides_no_claim_beyond_what_it_can_make_of_the_slope(claim: float) -> None:
    found = slope(lambda x: x + 1e-4 * np.maximum(x, 0), claim=claim)
    assert found.kind == "smooth"
    assert abs(found.value - claim) > 100 * found.tolerance * max(1.0, claim)


def test_many_small_kinks_leave_a_slope_within_its_tolerance() -> None:
    random = np.random.default_rng(0)
    places, jumps = random.uniform(-3e-6, 3e-6, 3000), 1e-6 * random.standard_normal(3000)
    found = slope(lambda x: x + np.maximum(np.subtract.outer(x, places), 0) @ jumps)
    truth = 1 + jumps[places < 0].sum()
    assert found.kind == "smooth"
    assert found.tolerance < 1e-3
    assert found.value == pytest.approx(truth, rel=found.tolerance)


@pytest.mark.parametrize("place", [-1.9e-6, -1.3e-6, -0.4e-6, 0.5e-6, 1.0e-6, 1.7e-6])
def test_the_step_shrinks_past_a_kink_between_the_points(place: float) -> None:
    found = slope(lambda x: x + np.maximum(x - place, 0), claim=1.0 + (place < 0))
    assert found.kind == "smooth"
    assert found.step < 1e-6
    assert found.value == pytest.approx(1.0 + (place < 0), rel=1e-6)


def test_two_kinks_that_cancel_in_the_central_difference_are_seen() -> None:
    found = slope(lambda x: np.maximum(x - 1.5e-6, 0) - np.maximum(-x - 1.5e-6, 0) + x)
    assert found.step < 1e-6
    assert found.value == pytest.approx(1.0, rel=1e-6)


def test_the_step_grows_where_rounding_hides_the_slope() -> None:
    found = slope(lambda x: 1e4 + np.sin(x), at=0.3, claim=float(np.cos(0.3)), noise=2e-12)
    assert found.kind == "smooth"
    assert found.step > 1e-6
    assert found.value == pytest.approx(np.cos(0.3), rel=1e-6)


def test_a_slope_that_no_step_shows_is_given_up() -> None:
    found = slope(lambda x: 1e12 + x, noise=1e-4)
    assert found.kind == "noise"
    assert found.tolerance > 1e-6


def test_a_zero_slope_is_not_precise_but_bounds_a_wrong_claim() -> None:
    assert slope(lambda x: 0 * x, claim=0.0).value == 0
    wrong = slope(lambda x: 0 * x, claim=1.0)
    assert wrong.kind == "smooth"
    assert wrong.value == 0


def test_not_a_number_is_no_slope() -> None:
    assert slope(lambda x: np.where(x > 0, np.nan, x)).kind == "kink"


def test_noise_is_the_spread_of_the_score_under_rounding() -> None:
    random = np.random.default_rng(0)

    def score(points: Array) -> Array:
        return 1 + 1e-9 * random.uniform(-1, 1, len(points))

    noise = measure_noise(score, np.ones(3), 1.0, 1.0, np.random.default_rng(1))
    assert 5e-10 < noise < 2e-9
    assert (
        measure_noise(lambda p: np.full(len(p), 2.0), np.ones(3), 2.0, 1.0, np.random.default_rng(1))
        == 2 * 2.0**-52
    )

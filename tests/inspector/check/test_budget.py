"""A check of a large network takes no more evaluations of the score than its budget."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.check import check_problem, gradient
from inspector.check.stencil import FEWEST, MOST_STEPS, POINTS, measure_slopes
from tests.inspector.check.problems import RIGHT, normal, problem, rectifier

Array = NDArray[Any]
# |x| sawn so finely that no step of float64 fits between two teeth
SAW = "fine = Constant<value_float=1e9>() f = Mul(x, fine) s = Sin(f) a = Abs(s) y = Div(a, fine)"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> float:
    monkeypatch.setattr(gradient, "BUDGET", 1)
    return float(4 * gradient.STEPS * FEWEST)


@pytest.fixture
def most() -> int:
    """Evaluations of a check that kinks lead through all rounds."""
    each = MOST_STEPS * len(POINTS) * FEWEST + gradient.FEWEST_COPIES
    return 1 + each * (1 + len(gradient.NOISES) + 1)


def test_kinks_that_no_step_gets_past_do_not_pass(small: float, most: int) -> None:
    check = check_problem(problem(normal(1, 6), SAW, "dx = Identity(x)"))
    assert not check.passed
    assert "given up: a kink" in check.message
    assert check.evaluations <= most


def test_directions_that_no_evaluations_are_left_for_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradient, "_budget", lambda _: 40.0)
    check = check_problem(problem(normal(1, 6), SAW, "dx = Identity(x)"))
    assert not check.passed
    assert "not finished: kinks took all evaluations allowed" in check.message
    assert check.unresolved >= 1


def test_kinks_at_the_value_itself_take_a_bounded_number_of_evaluations(small: float, most: int) -> None:
    rounds = "zero = Constant<value_float=0.0>() up = Greater(x, zero) step = CastLike(up, x)"
    check = check_problem(
        problem(np.zeros((1, 6), np.float32), "y = Relu(x)", rounds + "dx = Identity(step)")
    )
    assert check.evaluations <= most
    assert check.verdict != "failed"


def test_a_network_without_near_kinks_needs_no_more_than_the_budget(small: float) -> None:
    check = check_problem(rectifier(normal(1, 20), RIGHT))
    assert check.passed, check
    assert check.evaluations <= small
    wrong = RIGHT.replace("Greater", "Less")
    assert check_problem(rectifier(normal(1, 20), wrong)).verdict == "failed"


@pytest.mark.parametrize(
    ("allowed", "spent", "finished"), [(0, 24, 3), (24, 24, 3), (28, 28, 4), (40, 32, 5), (80, 80, 5)]
)
def test_directions_are_followed_to_their_ends_one_by_one(allowed: int, spent: int, finished: int) -> None:
    """The first takes four steps to get past the kink, each of the others one: that which served the first."""
    asked = 0

    def score(points: Array) -> Array:
        nonlocal asked
        asked += len(points)
        scores: Array = np.abs(points[:, 0] - 1e-8) + 2 * points[:, 0]
        return scores

    lines = np.ones((5, 1))
    found = measure_slopes(score, np.zeros(1), 1e-8, lines, np.ones(5), 1.0, 1e-16, allowed)
    assert asked == spent
    slopes = [slope for slope in found if slope.kind != "unfinished"]
    assert len(found) == 5
    assert len(slopes) == finished
    assert all(slope.value == pytest.approx(1, abs=1e-6) for slope in slopes)
    assert all(slope.tolerance < 1e-5 for slope in slopes)


def test_a_step_that_served_one_direction_is_left_where_it_does_not_serve_another() -> None:
    """The second direction is so flat that at the first one's step rounding hides its slope."""

    def score(points: Array) -> Array:
        scores: Array = np.abs(points[:, 0] - 1e-8) + 2 * points[:, 0] + 1e-4 * points[:, 1]
        return scores

    found = measure_slopes(score, np.zeros(2), 1e-8, np.eye(2), np.array([1, 1e-4]), 1.0, 1e-16, allowed=0)
    assert [slope.kind for slope in found] == ["smooth", "smooth"]
    assert found[0].step < 1e-8 < found[1].step
    assert found[1].value == pytest.approx(1e-4, rel=1e-3)

"""A check of a large network takes no more evaluations of the score than its budget."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.check import check_problem, gradient
from inspector.check.stencil import measure_slopes
from tests.inspector.check.problems import RIGHT, normal, problem, rectifier

Array = NDArray[Any]
# |x| sawn so finely that no step of float64 fits between two teeth
SAW = "fine = Constant<value_float=1e9>() f = Mul(x, fine) s = Sin(f) a = Abs(s) y = Div(a, fine)"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> float:
    monkeypatch.setattr(gradient, "BUDGET", 1)
    return float(4 * gradient.STEPS * gradient.FEWEST)


def test_kinks_that_take_all_evaluations_are_inconclusive(small: float) -> None:
    check = check_problem(problem(normal(1, 6), SAW, "dx = Identity(x)"))
    assert check.verdict == "inconclusive"
    assert "not finished: kinks took all evaluations allowed" in check.message
    assert check.unresolved >= 1
    assert check.evaluations <= small


def test_kinks_at_the_value_itself_take_a_bounded_number_of_evaluations(small: float) -> None:
    rounds = "zero = Constant<value_float=0.0>() up = Greater(x, zero) step = CastLike(up, x)"
    check = check_problem(
        problem(np.zeros((1, 6), np.float32), "y = Relu(x)", rounds + "dx = Identity(step)")
    )
    # at least the first step of each of three directions in each round, and what tells its rounding
    assert check.evaluations <= small * gradient.FURTHER**2 + 2 * gradient.FEWEST * (4 + 2) + 1
    assert check.verdict != "failed"


def test_a_network_without_near_kinks_needs_no_more_than_the_budget(small: float) -> None:
    check = check_problem(rectifier(normal(1, 20), RIGHT))
    assert check.passed, check
    assert check.evaluations <= small
    wrong = RIGHT.replace("Greater", "Less")
    assert check_problem(rectifier(normal(1, 20), wrong)).verdict == "failed"


@pytest.mark.parametrize("allowed", [0, 23, 24, 40, 80])
def test_further_steps_are_made_in_as_many_directions_as_allowed(allowed: int) -> None:
    spent = 0

    def score(points: Array) -> Array:
        nonlocal spent
        spent += len(points)
        scores: Array = np.abs(points[:, 0] - 1e-8) + 2 * points[:, 0]
        return scores

    lines = np.ones((5, 1))
    found = measure_slopes(score, np.zeros(1), 1e-8, lines, np.ones(5), 1.0, 1e-16, allowed)
    assert spent <= max(20, allowed)
    assert len(found) == 5
    finished = [slope for slope in found if slope.kind != "unfinished"]
    assert all(slope.value == pytest.approx(1, abs=1e-6) for slope in finished)
    assert len(finished) >= (5 if allowed == 80 else 0)

"""Slopes in single precision, with few evaluations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.check import check_problem, gradient
from inspector.check.reference import Cost
from inspector.check.richardson import FEWEST, STEPS, extrapolate_slopes
from tests.inspector.check.problems import RIGHT, normal, rectifier

Array = NDArray[Any]


@pytest.mark.parametrize(
    ("allowed", "spent"), [(np.inf, 40 * 10 * 2), (40 * 10, 40 * 10), (0, 40 * 2 * FEWEST)]
)
def test_directions_share_the_evaluations_that_are_left(allowed: float, spent: int) -> None:
    random = np.random.default_rng(5)
    matrix = random.standard_normal((6, 64)).astype(np.float32)
    count = 0

    def score(points: Array) -> Array:
        nonlocal count
        count += len(points)
        return np.asarray(np.maximum(points.astype(np.float32) @ matrix, 0).sum(axis=1), dtype=np.float64)

    point = random.standard_normal(6)
    slope = matrix.astype(np.float64) @ (point @ matrix > 0)
    lines = random.standard_normal((40, 6))
    claims, here = lines @ slope, float(score(point[None])[0])
    count = 0
    noise = float(np.finfo(np.float32).eps) * abs(here)
    slopes = extrapolate_slopes(score, point, here, lines, claims, 1.0, noise, allowed)
    assert count == spent
    decided = [(found, claim) for found, claim in zip(slopes, claims, strict=True) if found.kind == "smooth"]
    assert decided
    for found, claim in decided:
        assert abs(found.value - claim) <= found.tolerance * max(abs(found.value), abs(claim))


def test_steps_are_as_small_as_rounding_allows() -> None:
    def steps(noise: float) -> set[float]:
        seen: set[float] = set()

        def score(points: Array) -> Array:
            seen.update(np.abs(points[:, 0]).round(9).tolist())
            return np.asarray(points[:, 0])

        one = np.ones((1, 1))
        extrapolate_slopes(score, np.zeros(1), 0.0, one, np.ones(1), 1.0, noise, 0)
        return seen

    assert steps(0.0) == set(STEPS[-FEWEST:].round(9))
    assert steps(1.0) == set(STEPS[:FEWEST].round(9))
    # 2.5 * noise / step is an eighth of 2 %, or less, down to the sixth step
    assert steps(0.9e-6) == set(STEPS[2:6].round(9))


def test_a_gradient_too_large_for_double_precision_is_checked_in_single(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    little = replace(gradient.DOUBLE, most=Cost(work=10**12, made=100))
    monkeypatch.setattr(gradient, "DOUBLE", little)
    check = check_problem(rectifier(normal(1, 20), RIGHT))
    assert check.passed
    assert check.precision == "float32"
    assert "the gradient takes" in check.message
    monkeypatch.setattr(gradient, "BUDGET", 1)
    brief = check_problem(rectifier(normal(1, 20), RIGHT))
    assert brief.passed, brief
    assert brief.directions <= gradient.FEWEST
    assert brief.evaluations < check.evaluations
    for wrong in (
        RIGHT.replace("Greater", "Less"),
        RIGHT.replace("dx = MatMul(masked, at)", "dx = MatMul(up, at)"),
    ):
        assert check_problem(rectifier(normal(1, 20), wrong)).verdict == "failed"
    assert check_problem(rectifier(normal(1, 20), RIGHT), precision="float64").precision == "float64"

"""Slopes in single precision, with few evaluations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto

from inspector.check import Problem, check_problem, gradient, stencil
from inspector.check.double import to_single
from inspector.check.reference import Float64Evaluator
from inspector.check.richardson import FEWEST, STEPS, extrapolate_slopes
from inspector.check.single import Float32Evaluator
from tests.inspector.check.problems import RIGHT, normal, problem, rectifier

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
    def little(model: ModelProto) -> Float64Evaluator:
        return Float64Evaluator(model, memory=100 if model.graph.output[0].name == "gradient.x" else None)

    monkeypatch.setattr(gradient, "DOUBLE", replace(gradient.DOUBLE, evaluator=little))
    check = check_problem(rectifier(normal(1, 20), RIGHT))
    assert check.passed
    assert check.precision == "float32"
    assert "the gradient takes more than 0 GB of values at once in double precision" in check.message
    monkeypatch.setattr(gradient, "BUDGET", 1)
    brief = check_problem(rectifier(normal(1, 20), RIGHT))
    assert brief.passed, brief
    assert brief.directions <= stencil.FEWEST
    assert brief.evaluations < check.evaluations
    for wrong in (
        RIGHT.replace("Greater", "Less"),
        RIGHT.replace("dx = MatMul(masked, at)", "dx = MatMul(up, at)"),
    ):
        assert check_problem(rectifier(normal(1, 20), wrong)).verdict == "failed"
    assert check_problem(rectifier(normal(1, 20), RIGHT), precision="float64").precision == "float64"


def test_a_file_in_half_precision_is_checked_in_single_with_wider_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gradient, "DOUBLE", replace(gradient.DOUBLE, most=-1))
    weights = {"third": np.array([1 / 3], np.float16)}
    forward = "q = Mul(x, x) h = Mul(q, third) y = Cast<to=1>(h)"
    right = "t = Mul(x, third) d = Add(t, t) dx = Cast<to=1>(d)"
    check = check_problem(_half(problem(normal(1, 6), forward, right, weights=weights)))
    assert check.passed, check
    assert check.precision == "float32"
    assert check.max_relative_error < 1e-4
    assert "multiplications, too many in double precision" in check.message
    wrong = "d = Mul(x, third) dx = Cast<to=1>(d)"
    assert check_problem(_half(problem(normal(1, 6), forward, wrong, weights=weights))).verdict == "failed"


def test_numbers_are_made_wider_weights_included() -> None:
    weights = {"third": np.array([1 / 3], np.float16)}
    given = _half(
        problem(normal(1, 6), "q = Mul(x, x) y = Mul(q, third)", "dx = Mul(x, third)", weights=weights)
    )
    (exact,) = Float64Evaluator(given.model).run(["y"], given.feeds)
    (wide,) = Float32Evaluator(to_single(given.model)).run(["y"], given.feeds)
    assert wide.dtype == np.float32
    np.testing.assert_allclose(wide, exact, rtol=1e-6)
    assert given.model.graph.initializer[0].data_type == TensorProto.FLOAT16


def _half(given: Problem) -> Problem:
    """The same with an input in half precision."""
    for model in (given.model, given.gradient):
        model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT16
    feeds = {"x": given.feeds["x"].astype(np.float16)}
    return replace(given, feeds=feeds, gradient_feeds=feeds)


def test_a_file_in_single_precision_is_not_copied() -> None:
    model = rectifier(normal(1, 6), RIGHT).model
    assert to_single(model) is model

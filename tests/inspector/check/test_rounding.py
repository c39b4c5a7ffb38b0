from __future__ import annotations

import numpy as np
import pytest

from inspector.check import check_problem
from inspector.check.reference import Float64Evaluator
from inspector.check.rounding import round_like_float32
from tests.inspector.check.problems import Array, model, problem

EPS = 2.0**-23


def draws(op_type: str, inputs: list[Array], value: Array, count: int = 20) -> Array:
    random = np.random.default_rng(0)
    return np.stack([round_like_float32(op_type, inputs, value, random) for _ in range(count)])


@pytest.mark.parametrize(
    "value", [np.array([3.0, -4096.0, 0.0]), np.array([1, 2]), np.array([True]), [np.ones(2)]]
)
def test_what_is_no_fraction_stays(value: object) -> None:
    assert round_like_float32("Mul", [value], value, np.random.default_rng(0)) is value


def test_an_element_is_off_by_up_to_a_unit_in_the_last_place() -> None:
    value = np.linspace(-1.7, 1.9, 1000)
    found = np.abs(draws("Mul", [value], value) - value) / np.abs(value)
    assert 0.9 * EPS < found.max() <= EPS


@pytest.mark.parametrize("terms", [100, 10_000, 1_000_000])
@pytest.mark.parametrize("op_type", ["ReduceSum", "ReduceMean", "GlobalAveragePool"])
def test_a_long_sum_is_as_far_off_as_one_term_after_another_in_float32(op_type: str, terms: int) -> None:
    x = np.random.default_rng(1).uniform(-1, 2, terms).astype(np.float32)
    exact = x.astype(np.float64).sum()
    one_by_one = float(np.cumsum(x, dtype=np.float32)[-1])
    parts = 1.0 if op_type == "ReduceSum" else 1.0 / terms
    found = np.abs(draws(op_type, [x.astype(np.float64)], np.array([exact * parts])) - exact * parts).max()
    assert abs(one_by_one - exact) * parts <= 2 * found
    assert found <= EPS * np.sqrt(terms) * float(np.abs(x).sum()) * parts


def test_a_run_with_rounding_leaves_no_trace() -> None:
    evaluator = Float64Evaluator(model("float[N,4] x => float[N,4] y", "e = Exp(x) y = Mul(e, e)"))
    x = np.array([[0.1, -0.3, 0.7, 1.1]])
    (rounded,) = evaluator.run(None, {"x": x}, np.random.default_rng(0))
    (exact,) = evaluator.run(None, {"x": x})
    np.testing.assert_allclose(exact, np.exp(2 * x), rtol=1e-14)
    off = np.abs(rounded / exact - 1)
    assert (off > 1e-12).all()
    assert (off <= 3.1 * EPS).all()


@pytest.mark.parametrize(("side", "verdict"), [(2, "failed"), (256, "passed")])
def test_a_displayed_gradient_behind_a_long_sum_may_be_further_off(side: int, verdict: str) -> None:
    """Of cos(2 m), m the mean of a map; by how much float32 may miss m depends on how many elements it has."""
    x = np.random.default_rng(2).uniform(0.5, 1.5, (1, 1, side, side)).astype(np.float32)
    slope = -2 * np.sin(2 * x.mean(dtype=np.float64)) / x.size
    forward = "m = GlobalAveragePool(x) d = Add(m, m) y = Cos(d)"
    backward = "s = Sin(d) a = Mul(s, times) dx = Expand(a, size)"
    weights: dict[str, Array] = {
        "times": np.array(-2 / x.size, np.float32),
        "size": np.array(x.shape, np.int64),
    }
    shown = np.full_like(x, slope * (1 + 2e-5))
    assert check_problem(problem(x, forward, backward, weights=weights, shown=shown)).verdict == verdict
    wrong = np.full_like(x, slope * 1.001)
    assert check_problem(problem(x, forward, backward, weights=weights, shown=wrong)).verdict == "failed"

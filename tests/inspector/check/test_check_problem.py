from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from onnx import helper

from inspector.check import Problem, check_problem, combine
from inspector.check.reference import DoublePrecisionError
from inspector.check.single import Float32Evaluator
from tests.inspector.check.problems import RIGHT, model, normal, problem, rectifier

SQUARE = "y = Mul(x, x)"
DOUBLE = "dx = Add(x, x)"


def test_a_quadratic_passes() -> None:
    check = check_problem(problem(normal(1, 6), SQUARE, DOUBLE))
    assert check.verdict == "passed"
    assert check.passed
    assert check.max_relative_error < 1e-9
    assert check.directions == 12
    assert check.kinks == check.unresolved == 0
    assert check.precision == "float64"
    assert check.float32_error < 1e-7
    assert check.noise == 0


def test_a_softmax_passes() -> None:
    softmax = "p = Softmax(x) y = Mul(p, p)"
    gradient = """
        two = Constant<value_float=2.0>() last = Constant<value_ints=[-1]>()
        c = Mul(two, p) cp = Mul(c, p) s = ReduceSum(cp, last) d = Sub(c, s) dx = Mul(p, d)
    """
    check = check_problem(problem(normal(1, 9), softmax, gradient))
    assert check.passed
    assert check.max_relative_error < 1e-8


def test_rectified_units_pass() -> None:
    check = check_problem(rectifier(normal(1, 20), RIGHT))
    assert check.passed, check
    assert check.kinks == 0


ALMOST = RIGHT.replace("dx =", "almost =")

WRONG = {
    "factor of 1.001": ALMOST + "dx = Mul(almost, factor)",
    "sign": ALMOST + "dx = Neg(almost)",
    "no mask": "up = MatMul(ones, bt) dx = MatMul(up, at)",
    # guided backpropagation
    "mask of the cotangent": RIGHT.replace("masked = ", "some = ").replace("dx", "masked = Relu(some) dx"),
    "mask inverted": RIGHT.replace("Greater", "Less"),
    "units dropped": "two = Constant<value_float=2.0>()" + RIGHT.replace("hidden, zero", "hidden, two"),
    "zero": ALMOST + "dx = Mul(almost, zero)",
    "not a number": ALMOST + "nothing = Div(zero, zero) dx = Mul(almost, nothing)",
}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_gradient_fails_and_is_not_taken_for_a_kink(name: str, seed: int) -> None:
    check = check_problem(rectifier(normal(1, 20, seed=seed), WRONG[name]), seed=seed)
    assert check.verdict == "failed"
    assert check.kinks == 0
    assert not check.max_relative_error < 5e-5
    assert "off by" in check.message


def test_kinks_everywhere_are_inconclusive() -> None:
    # |x| sawn so finely that no step of float64 fits between two teeth
    saw = "fine = Constant<value_float=1e9>() f = Mul(x, fine) s = Sin(f) a = Abs(s) y = Div(a, fine)"
    check = check_problem(problem(normal(1, 6), saw, "dx = Identity(x)"))
    assert check.verdict == "inconclusive"
    assert not check.passed
    assert check.directions < 6


STEP = "zero = Constant<value_float=0.0>() up = Greater(x, zero) step = CastLike(up, x)"
ONE = "one = Constant<value_float=1.0>()"


def test_a_kink_at_the_value_itself_is_checked_beside_it() -> None:
    x = np.zeros((1, 6), np.float32)
    bent = "r = Relu(x) y = Add(r, x)"
    check = check_problem(problem(x, bent, STEP + ONE + "dx = Add(step, one)"))
    assert check.passed
    assert check.noise == 0.01
    assert "1%" in check.message
    wrong = check_problem(problem(x, bent, STEP + ONE + "dx = Sub(step, one)"))
    assert wrong.verdict == "failed"


def test_a_change_of_curvature_is_no_kink() -> None:
    # the second derivative jumps at x, the first does not
    x = np.zeros((1, 6), np.float32)
    gradient = STEP + ONE + "two = Add(x, x) p = Mul(step, two) dx = Add(p, one)"
    check = check_problem(problem(x, "r = Relu(x) q = Mul(r, r) y = Add(q, x)", gradient))
    assert check.passed
    assert check.noise == 0


def test_equal_values_in_a_maximum() -> None:
    x = np.full((1, 4, 4), 0.5, np.float32)
    largest = "last = Constant<value_ints=[-1]>() y = ReduceMax<keepdims=0>(x, last)"
    first = """
        minus = Constant<value_int=-1>() depth = Constant<value_int=4>() values = Constant<value_floats=[0.0, 1.0]>()
        place = ArgMax<axis=-1, keepdims=0>(x) dx = OneHot(place, depth, values)
    """
    check = check_problem(problem(x, largest, first))
    assert check.passed
    assert check.noise == 0.01
    assert "equal elements move alike" in check.message


def test_a_gradient_that_counts_equal_values_more_than_once_fails() -> None:
    # right wherever the maximum is unique, and four times too large where four are equal
    x = np.full((1, 4, 4), 0.5, np.float32)
    largest = "last = Constant<value_ints=[-1]>() top = ReduceMax(x, last) y = Squeeze(top, last)"
    check = check_problem(problem(x, largest, "hit = Equal(x, top) dx = CastLike(hit, x)"))
    assert check.verdict == "failed"
    assert check.max_relative_error == pytest.approx(0.75)


def test_nothing_to_test_is_vacuous() -> None:
    x = -np.abs(normal(1, 6)) - 1
    check = check_problem(problem(x, "y = Relu(x)", STEP + "dx = Identity(step)"))
    assert check.verdict == "vacuous"
    assert not check.passed
    assert "zero everywhere" in check.message


def test_the_displayed_gradient_is_compared() -> None:
    x = normal(1, 6)
    assert check_problem(problem(x, SQUARE, DOUBLE, shown=2 * x)).passed
    check = check_problem(problem(x, SQUARE, DOUBLE, shown=2.0001 * x))
    assert check.verdict == "failed"
    assert check.float32_error == pytest.approx(5e-5, rel=1e-2)
    assert "displayed" in check.message


def test_half_precision_within_the_graph_is_allowed_its_own_digits() -> None:
    x = normal(1, 6)
    backward = "h = Cast<to=10>(x) d = Add(h, h) dx = Cast<to=1>(d)"
    half = (2 * x).astype(np.float16).astype(np.float32)
    check = check_problem(problem(x, SQUARE, backward, shown=half))
    assert check.passed, check
    assert 1e-5 < check.float32_error < 1e-3
    assert check_problem(problem(x, SQUARE, DOUBLE, shown=half)).verdict == "failed"
    assert check_problem(problem(x, SQUARE, backward, shown=np.float32(2.1) * x)).verdict == "failed"


def test_token_ids_leave_the_rounding_of_their_embedding() -> None:
    """sin(1000 e) has no slope that float32 could tell to 1e-5: moving e by a unit in the last place shows it."""
    table, ids = normal(8, 6), np.array([[1, 5, 2]], np.int64)
    forward = "e = Gather(table, ids) far = Mul(e, many) y = Sin(far)"
    graph = model(
        "int64[N,3] ids => float[N,3,6] y", forward, {"table": table, "many": np.array(1000, np.float32)}
    )

    def given(factor: float) -> Problem:
        weights = {
            "table": table,
            "many": np.array(1000, np.float32),
            "each": np.array(1000 * factor, np.float32),
        }
        gradient = model(
            "int64[N,3] ids => float[N,3,6] dx", forward + " slope = Cos(far) dx = Mul(slope, each)", weights
        )
        gradient.graph.node[-1].output[0] = gradient.graph.output[0].name = "gradient.e"
        return Problem(
            model=graph,
            tensor="e",
            outputs=("y",),
            score=lambda values: values["y"].reshape(len(values["y"]), -1).sum(axis=1),
            feeds={"ids": ids},
            gradient=gradient,
            gradient_feeds={"ids": ids},
        )

    check = check_problem(given(1))
    assert check.passed, check
    assert 1e-5 < check.float32_error < check.float32_tolerance < 1e-2
    assert "rounding alone moves it by up to" in check.message
    assert check_problem(given(1.001)).verdict == "failed"


def half_rectifier(largest: float = 1) -> Problem:
    """1 + x - 1 is zero in half precision for x below 5e-4: these ReLUs are shut, though x is positive."""
    x = np.random.default_rng(1).uniform(-1, 1, (1, 20_000)).astype(np.float16)
    x[0, 0] = largest
    half = "wide = Cast<to=1>(x) up = Add(wide, one) half = Cast<to=10>(up) rounded = Cast<to=1>(half)"
    forward = half + " hidden = Sub(rounded, one) bent = Relu(hidden) y = Cast<to=10>(bent)"
    backward = "above = Greater(hidden, zero) dx = Cast<to=10>(above)"
    weights = {"one": np.ones((), np.float32), "zero": np.zeros((), np.float32)}
    return problem(x, forward, backward, weights=weights, kind="float16")


def test_half_precision_that_moves_a_gradient_by_more_than_a_tenth_tells_nothing() -> None:
    check = check_problem(half_rectifier(largest=20))
    assert check.verdict == "inconclusive", check
    assert "changes as much when the tensor moves by float32 rounding" in check.message


def test_decisions_of_half_precision_are_open_to_its_rounding() -> None:
    given = half_rectifier()
    check = check_problem(given)
    assert check.passed, check
    assert 1e-2 < check.float32_error < check.float32_tolerance < 0.2
    assert "rounding alone moves it by up to" in check.message
    (shown,) = Float32Evaluator(given.gradient).run(["gradient.x"], given.feeds)
    for wrong in (shown * np.float16(1.25), 1 - shown, np.roll(shown, 1)):
        assert check_problem(replace(given, displayed=wrong)).verdict == "failed"


def test_a_displayed_gradient_of_nan_fails() -> None:
    x = normal(1, 6)
    assert check_problem(problem(x, SQUARE, DOUBLE, shown=np.full_like(x, np.nan))).verdict == "failed"


def test_a_displayed_gradient_beyond_a_kink_that_rounding_reaches() -> None:
    # the first element is 1e-6 from its kink: float32 arithmetic may well see it on the other side
    x = np.array([[1e-6, 1.0, 2.0, 3.0, 4.0, 5.0]], np.float32)
    shown = np.array([[1, 2, 2, 2, 2, 2]], np.float32)
    forward, backward = "r = Relu(x) y = Add(r, x)", STEP + ONE + "dx = Add(step, one)"
    check = check_problem(problem(x, forward, backward, shown=shown))
    assert check.passed
    assert check.ties == 1
    assert check.float32_error < 1e-7
    assert "1 of 6 decisions (Greater) lie within float32 rounding of a tie" in check.message
    assert check_problem(problem(x, forward, backward, shown=2 * shown)).verdict == "failed"
    x[0, 0] = 0
    at_the_kink = check_problem(problem(x, forward, backward, shown=np.full_like(shown, 2)))
    assert at_the_kink.passed
    assert at_the_kink.ties == 1


def test_a_gradient_hidden_by_rounding_is_inconclusive() -> None:
    # a slope of 1e-20 on a value of 1
    flat = "small = Constant<value_float=1e-20>() big = Constant<value_float=1.0>() m = Mul(x, small) y = Add(m, big)"
    gradient = "zero = Sub(x, x) dx = Add(zero, small)"
    check = check_problem(problem(normal(1, 6), flat, gradient))
    assert check.verdict == "inconclusive"
    assert check.unresolved == 12


@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize("seed", [1, 3])
def test_kinks_at_the_value_that_cancel_in_a_direction_are_no_error(seed: int, mask: bool) -> None:
    """Rectified zeros that weigh with either sign: their jumps cancel in some directions, what the gradient makes of
    them does not.
    """
    x = np.zeros((1, 44), np.float32)
    x[:, -4:] = 1
    jumps = np.random.default_rng(seed).standard_normal(44).astype(np.float32)
    jumps[-4:] = 0
    weights = {
        "jumps": jumps,
        "slopes": np.where(x > 0, 800, 400).astype(np.float32),
        "zero": np.zeros((), np.float32),
    }
    forward = "r = Relu(x) j = Mul(r, jumps) s = Mul(x, slopes) y = Add(j, s)"
    right = "up = Greater(x, zero) m = CastLike(up, x) mj = Mul(m, jumps) dx = Add(mj, slopes)"
    backward = right if mask else "dx = Add(jumps, slopes)"
    check = check_problem(problem(x, forward, backward, weights=weights))
    assert check.noise > 0
    assert check.verdict == ("passed" if mask else "failed"), check


def test_single_precision_says_so_and_still_finds_a_wrong_gradient() -> None:
    right = check_problem(rectifier(normal(1, 20), RIGHT), precision="float32")
    assert right.passed, right
    assert right.precision == "float32"
    assert 1e-6 < right.tolerance <= 0.02
    assert "float32, tolerance" in right.message
    assert np.isnan(right.float32_error)
    for name in ("sign", "no mask", "mask inverted", "zero"):
        assert (
            check_problem(rectifier(normal(1, 20), WRONG[name]), precision="float32").verdict == "failed"
        ), name


def test_an_operator_without_a_double_evaluator_falls_back_to_single_precision() -> None:
    gradient = "s = Sigmoid(x) r = Sub(one, s) xr = Mul(x, r) t = Add(xr, one) dx = Mul(s, t)"
    given = problem(normal(1, 6), SQUARE, ONE + gradient)
    node = helper.make_node("QuickGelu", ["x"], ["y"], domain="com.microsoft", alpha=1.0)
    given.model.graph.node[0].CopyFrom(node)
    given.model.opset_import.add(domain="com.microsoft", version=1)
    check = check_problem(given)
    assert check.precision == "float32"
    assert check.passed, check
    assert "QuickGelu" in check.message
    with pytest.raises(DoublePrecisionError, match="QuickGelu"):
        check_problem(given, precision="float64")


def test_points_are_evaluated_in_a_batch_only_where_samples_do_not_meet() -> None:
    # the mean over the batch: of one sample it is the sample itself
    mixing = "axis = Constant<value_ints=[0]>() m = ReduceMean(x, axis) c = Mul(m, m) y = Add(c, x)"
    gradient = ONE + "d = Add(x, x) dx = Add(d, one)"
    assert check_problem(problem(normal(1, 6), mixing, gradient)).passed


def test_points_are_evaluated_one_by_one_where_the_graph_holds_one_sample() -> None:
    fixed = "shape = Constant<value_ints=[1, 6]>() z = Reshape(x, shape) y = Mul(z, z)"
    assert check_problem(problem(normal(1, 6), fixed, DOUBLE)).passed


def test_the_verdict_as_json() -> None:
    check = check_problem(problem(normal(1, 6), SQUARE, DOUBLE), precision="float32")
    values = check.to_json()
    assert values["passed"] is True
    assert values["verdict"] == "passed"
    assert values["float32_error"] is None
    assert json.loads(json.dumps(values)) == values


def test_several_images_have_the_worst_verdict() -> None:
    good = check_problem(problem(normal(1, 6), SQUARE, DOUBLE))
    bad = check_problem(problem(normal(1, 6), SQUARE, "dx = Identity(x)"))
    both = combine([good, bad, good])
    assert both.verdict == "failed"
    assert both.samples == 3
    assert both.max_relative_error == bad.max_relative_error
    assert both.message.startswith("1 of 3 images failed")
    assert combine([good]) is good

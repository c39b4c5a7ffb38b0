"""Where float32 rounding decides a maximum or a ReLU otherwise than float64."""

from __future__ import annotations

import numpy as np
import pytest

from inspector.check import Problem, check_problem
from inspector.check.reference import Float64Evaluator
from inspector.check.single import Float32Evaluator
from tests.inspector.check.problems import Array, model, normal, problem

X = np.abs(normal(1, 16)) + np.float32(0.1)
X[0, :2] = [1.25, 1 + 2**-12]
# in float32 the second product is rounded down by 3e-8 to 1.25, the first element
TIMES = np.ones((1, 16), np.float32)
TIMES[0, 1] = np.float32(1.25 / (1 + 2**-12)) + np.float32(2**-23)
while np.float32(X[0, 1]) * TIMES[0, 1] > np.float32(1.25):
    TIMES[0, 1] = np.nextafter(TIMES[0, 1], np.float32(0))

INTS = (
    "all = Constant<value_ints=[-1]>() each = Constant<value_ints=[8]>() size = Constant<value_ints=[16]>()"
)
POOL = (
    INTS
    + """
    product = Mul(x, times)
    axis = Constant<value_ints=[1]>()
    row = Unsqueeze(product, axis)
    top, places = MaxPool<kernel_shape=[2], strides=[2]>(row)
    y = Squeeze(top, axis)
"""
)
SCATTER = """
    where = Reshape(places, all)
    nothing = ConstantOfShape<value = float[1] {0}>(size)
    ones = ConstantOfShape<value = float[1] {1}>(each)
    spread = ScatterElements(nothing, where, ones)
    masked = Mul(spread, times)
    dx = Mul(masked, factor)
"""
RELU = "product = Mul(x, times) hidden = Sub(product, limit) bent = Relu(hidden) y = Add(bent, x)"
MASK = """
    zero = Constant<value_float=0.0>()
    above = Greater(hidden, zero)
    mask = CastLike(above, x)
    back = Mul(mask, times)
    whole = Add(back, one)
    dx = Mul(whole, factor)
"""


def _problem(forward: str, backward: str, factor: float = 1.0, shown: Array | None = None) -> Problem:
    one, limit = np.ones((), np.float32), np.array(1.25, np.float32)
    weights = {"times": TIMES, "one": one, "limit": limit, "factor": np.array(factor, np.float32)}
    return problem(X, forward, backward, weights=weights, shown=shown)


STEP = MASK.replace(
    "above = Greater(hidden, zero)", f"mask = HardSigmoid<alpha={2.0**126}, beta=0.0>(hidden)"
)
GRAPHS = {
    "MaxPool": (POOL, SCATTER),
    "Greater": (RELU, MASK),
    "step": (RELU, STEP.replace("mask = CastLike(above, x)", "")),
}


def test_the_second_element_is_a_near_tie() -> None:
    exact = X.astype(np.float64) * TIMES.astype(np.float64)
    assert 1.25 < exact[0, 1] < 1.25 + 1e-7
    assert (X * TIMES)[0, 1] == 1.25


@pytest.mark.parametrize("name", GRAPHS)
def test_the_other_side_of_a_near_tie_passes_and_is_counted(name: str) -> None:
    check = check_problem(_problem(*GRAPHS[name]))
    assert check.passed, check
    assert check.ties == 1
    assert check.float32_error < 1e-6
    # (the first element's product is the ReLU's limit itself)
    assert check.noise == (0 if name == "MaxPool" else 0.01)
    size = 8 if name == "MaxPool" else 16
    assert f"1 of {size} decisions ({name}) lie within float32 rounding of a tie" in check.message
    assert "takes the other side there" in check.message


NEXT = "more = Constant<value_ints=[1]>() first = Reshape(places, all) next = Add(first, more) where = Mod(next, size)"
WRONG = {
    "scattered to the next place": (POOL, SCATTER.replace("where = Reshape(places, all)", NEXT)),
    "mask inverted": (RELU, MASK.replace("Greater", "LessOrEqual")),
    "kept where it should be cut": (RELU, MASK.replace("Greater(hidden, zero)", "Greater(x, zero)")),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rule_fails_beside_a_near_tie(name: str) -> None:
    assert check_problem(_problem(*WRONG[name])).verdict == "failed"


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("factor", [1.001, 1.00003, -1.0])
def test_a_factor_fails_beside_a_near_tie(name: str, factor: float) -> None:
    assert check_problem(_problem(*GRAPHS[name], factor)).verdict == "failed"


def _right(name: str) -> Array:
    """The gradient with float32's decisions, which goes to the first element."""
    mask = np.zeros((1, 16), np.float32)
    if name == "MaxPool":
        pairs = (X * TIMES).reshape(8, 2)
        mask.reshape(8, 2)[np.arange(8), pairs.argmax(axis=1)] = 1
        return mask * TIMES
    return np.where(X * TIMES > 1.25, TIMES, 0) + np.float32(1)


@pytest.mark.parametrize("name", GRAPHS)
def test_a_displayed_gradient_that_no_near_tie_explains_fails(name: str) -> None:
    right = _right(name)
    assert check_problem(_problem(*GRAPHS[name], shown=right)).passed
    elsewhere = right.copy()
    elsewhere[0, [4, 5]] = right[0, [5, 4]] + np.float32(0.5)
    for wrong in (right * np.float32(1.001), right * np.float32(1.00003), np.roll(right, 1), elsewhere):
        check = check_problem(_problem(*GRAPHS[name], shown=wrong))
        assert check.verdict == "failed", check
        assert "only within" in check.message


def test_digits_that_float32_loses_are_no_near_tie() -> None:
    """Float32 keeps multiples of 1e-3 of these elements: it rounds them to zero, the ReLU's kink."""
    x = np.linspace(1e-4, 4e-4, 6, dtype=np.float32)[None]
    lossy = "great = Constant<value_float=16384.0>() up = Add(x, great) hidden = Sub(up, great) bent = Relu(hidden)"
    zero = "zero = Constant<value_float=0.0>() above = Greater(hidden, zero) mask = CastLike(above, x)"
    given = problem(
        x, lossy + "y = Add(bent, x)", zero + "one = Constant<value_float=1.0>() dx = Add(mask, one)"
    )
    check = check_problem(given)
    assert check.verdict == "failed", check
    assert check.ties == 0


def test_one_of_two_outputs_of_a_node_can_be_given() -> None:
    """Places of the largest elements are fed, while the node is run for their values."""
    body = "k = Constant<value_ints=[2]>() top, places = TopK(x, k) p = Cast<to=1>(places) y = Add(top, p)"
    graph = model("float[N,4] x => float[N,2] y", body)
    feeds = {"x": np.array([[3, 1, 4, 2]], np.float32), "places": np.array([[10, 20]])}
    for evaluator in (Float64Evaluator(graph), Float32Evaluator(graph)):
        np.testing.assert_array_equal(evaluator.run(["y"], feeds)[0], [[14, 23]])

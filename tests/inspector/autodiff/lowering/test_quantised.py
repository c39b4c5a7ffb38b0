"""Every row of the table of operators on integers: what is made of it beside onnxruntime's kernel, and its gradient."""

from __future__ import annotations

import numpy as np
import onnx.parser
import pytest

from inspector import Inspector
from tests.inspector.autodiff.checking import TOLERANCE, pulled_by_runtime, pulled_in_double, worst_error

from . import cases_packed, cases_quantised
from .quantised_case import QuantisedCase
from .test_fused import SINGLE, distance, run

CASES = (*cases_quantised.CASES, *cases_packed.CASES)


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
@pytest.mark.parametrize("case", [case for case in CASES if case.cpu], ids=lambda case: case.name)
def test_values_are_those_of_the_runtime_but_for_rounding(case: QuantisedCase, dynamic: bool) -> None:
    (expected,) = run(case.file(), case.feeds)
    (found,) = run(case.model(dynamic=dynamic), case.feeds)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= case.quantum


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gradient(case: QuantisedCase) -> None:
    pulled = pulled_in_double(case)
    assert worst_error(case, pulled) < TOLERANCE
    assert all(gradient.any() for gradient in pulled.gradients.values())
    for dynamic in (False, True):
        found = pulled_by_runtime(case, case.model(dynamic=dynamic), pulled.cotangents)
        for name, truth in pulled.gradients.items():
            assert distance(found[name], truth) < SINGLE


def test_an_input_counts_as_inside_up_to_half_a_step_beyond_the_range() -> None:
    """Rounded, it is the last number of the type; further out it saturates."""
    text = """
    <ir_version: 8, opset_import: ["" : 17]>
    net (float[N, 5] x) => (float[N, 5] y)
    <float step = {0.1}, uint8 zero = {0}>
    { numbers = QuantizeLinear(x, step, zero) real = DequantizeLinear(numbers, step, zero) y = Mul(real, real) }
    """
    x = np.array([[25.4, 25.54, 25.6, -0.04, -0.06]], dtype=np.float32)
    gradient = Inspector(onnx.parser.parse_model(text)).gradient(x, "y[:]")
    np.testing.assert_allclose(gradient, 2 * x * [[1, 1, 0, 1, 0]], rtol=1e-5)

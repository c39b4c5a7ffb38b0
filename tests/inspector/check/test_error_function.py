from __future__ import annotations

from math import erf

import numpy as np

from inspector.check.kernels.error_function import error_function


def test_equals_that_of_the_standard_library() -> None:
    random = np.random.default_rng(0)
    x = np.concatenate(
        [random.uniform(-7, 7, 20_000), 10.0 ** random.uniform(-300, 1, 2000), [0.0, -0.0, 6.0]]
    )
    truth = np.array([erf(value) for value in x])
    np.testing.assert_allclose(error_function(x), truth, rtol=4e-16, atol=0)


def test_shapes_and_what_is_no_number() -> None:
    assert error_function(np.zeros((2, 0, 3))).shape == (2, 0, 3)
    assert error_function(np.array(0.5)).shape == ()
    np.testing.assert_array_equal(error_function(np.array([np.nan, np.inf, -np.inf])), [np.nan, 1.0, -1.0])

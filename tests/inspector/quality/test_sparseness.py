"""Gini's index where it is known."""

from __future__ import annotations

import numpy as np

from inspector.quality.sparseness import gini


def test_alike_and_alone() -> None:
    for n in (2, 49, 1000):
        np.testing.assert_allclose(gini(np.full(n, 0.3)), 0, atol=1e-12)
        np.testing.assert_allclose(gini(-7 * np.eye(n)[0]), 1 - 1 / n)


def test_by_the_mean_difference_of_all_pairs() -> None:
    values = np.random.default_rng(12).normal(size=(5, 6))
    sizes = np.abs(values).ravel()
    expected = np.abs(np.subtract.outer(sizes, sizes)).mean() / (2 * sizes.mean())
    np.testing.assert_allclose(gini(values), expected)
    np.testing.assert_allclose(gini(3 * values), expected)


def test_zeros_have_none() -> None:
    assert np.isnan(gini(np.zeros((3, 3))))

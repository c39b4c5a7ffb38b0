"""Intervals where the distribution of the resampled mean is known."""

from __future__ import annotations

import numpy as np

from inspector.quality.statistics import bootstrap


def test_two_samples() -> None:
    # the resampled means are 0, 1/2 and 1 with probabilities 1/4, 1/2, 1/4
    found = bootstrap(np.array([0.0, 1.0]))
    assert (found.mean, found.low, found.high, found.count) == (0.5, 0, 1, 2)
    inner = bootstrap(np.array([0.0, 1.0]), level=0.4)
    assert (inner.low, inner.high) == (0.5, 0.5)


def test_many_samples_follow_the_normal_law() -> None:
    values = np.random.default_rng(14).normal(3, 2, 2000)
    found = bootstrap(values)
    half = 1.959964 * values.std() / np.sqrt(len(values))
    # of 10,000 normal draws a 97.5 % quantile strays by sqrt(p (1 - p) / 10,000) / density = 0.027 deviations: three
    # times that on 1.96 is 4.1 %, and the skewness of 2000 draws adds less than 1 %
    np.testing.assert_allclose([found.mean - found.low, found.high - found.mean], half, rtol=0.05)


def test_what_is_not_defined_does_not_count() -> None:
    assert bootstrap(np.array([2.0, np.nan, 2.0])).count == 2
    one = bootstrap(np.array([np.nan, 4.0]))
    assert (one.mean, one.count) == (4, 1)
    assert np.isnan([one.low, one.high]).all()
    assert np.isnan(bootstrap(np.array([np.nan])).mean)


def test_the_seed_decides() -> None:
    values = np.random.default_rng(15).random(20)
    assert bootstrap(values) == bootstrap(values) != bootstrap(values, seed=1)

"""Structural similarity and correlation of ranks where they are known."""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

from inspector.quality.similarity import similarities, spearman, ssim

RANDOM = np.random.default_rng(13)
A, B = RANDOM.random((2, 20, 18))


def test_a_map_is_like_itself() -> None:
    np.testing.assert_allclose(ssim(A, A), 1)
    np.testing.assert_allclose(ssim(A, B), ssim(B, A))
    assert ssim(A, B) < 0.3
    assert ssim(A, 1 - A) < -0.5


def test_of_two_colours_only_the_luminance_counts() -> None:
    c1 = 0.01**2
    expected = (2 * 0.2 * 0.7 + c1) / (0.2**2 + 0.7**2 + c1)
    np.testing.assert_allclose(ssim(np.full((15, 15), 0.2), np.full((15, 15), 0.7)), expected)


def test_the_definition_in_one_window() -> None:
    """In the middle of 11 x 11 places, where the window is the whole map."""
    places = np.arange(11) - 5
    window = np.exp(-(places**2) / (2 * 1.5**2))
    weights = np.multiply.outer(window, window)
    weights /= weights.sum()
    a, b = RANDOM.random((2, 11, 11))
    mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
    var_a, var_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
    together = (weights * (a - mean_a) * (b - mean_b)).sum()
    c1, c2 = 0.01**2, 0.03**2
    expected = (2 * mean_a * mean_b + c1) * (2 * together + c2)
    expected /= (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    np.testing.assert_allclose(similarities(a, b)[5, 5], expected)


def test_ranks() -> None:
    np.testing.assert_allclose(spearman(A, np.exp(5 * A)), 1)
    np.testing.assert_allclose(spearman(A, -A), -1)
    tied = np.rint(4 * A), np.rint(3 * B)
    np.testing.assert_allclose(spearman(*tied), spearmanr(tied[0].ravel(), tied[1].ravel()).statistic)
    assert np.isnan(spearman(A, np.ones_like(A)))

"""How alike two maps are."""

from __future__ import annotations

import numpy as np

from inspector.quality.fidelity import correlation
from inspector.quality.trial import Map

__all__ = ["similarities", "spearman", "ssim"]

# Wang et al.: deviation of the window in places, its reach, and the two constants
SIGMA, REACH, K1, K2 = 1.5, 5, 0.01, 0.03


def spearman(one: Map, other: Map) -> float:
    """The correlation of the places' ranks, places alike sharing one; NaN where a map is the same everywhere."""
    from scipy.stats import rankdata

    return correlation(rankdata(one), rankdata(other))


def ssim(one: Map, other: Map, spread: float = 1.0) -> float:
    """Structural similarity: Wang et al., Image Quality Assessment, IEEE Trans. Image Processing 2004, equation 13, in
    a Gaussian window of 11 places and 1.5 of deviation, averaged over the map.

    Args:
        one, other: of the same shape, with any number of axes. Not negative: of two maps and their opposites in sign
            both factors of the measure turn round, which its product does not show.
        spread: the range of their values, L in the paper.
    """
    return float(similarities(one, other, spread).mean())


def similarities(one: Map, other: Map, spread: float = 1.0) -> Map:
    """The same place by place, before the mean."""
    from scipy.ndimage import gaussian_filter

    def mean(values: Map) -> Map:
        smooth: Map = gaussian_filter(values, SIGMA, truncate=REACH / SIGMA)
        return smooth

    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    mean_a, mean_b = mean(a), mean(b)
    # what rounding leaves below nothing is nothing
    var_a = np.maximum(mean(a * a) - mean_a**2, 0)
    var_b = np.maximum(mean(b * b) - mean_b**2, 0)
    together = mean(a * b) - mean_a * mean_b
    c1, c2 = (K1 * spread) ** 2, (K2 * spread) ** 2
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    found: Map = luminance * (2 * together + c2) / (var_a + var_b + c2)
    return found

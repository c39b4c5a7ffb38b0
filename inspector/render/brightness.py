"""Making maps of single pixels visible: a few extreme ones would leave all others blank."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["PERCENTILE", "brightened"]

PERCENTILE = 99.0
# a map with fewer values has no tail to speak of
FEWEST = 1000
# of the largest magnitude: below it the tail alone is what would be seen
SHARE = 0.5


def brightened(heatmap: NDArray[Any]) -> tuple[NDArray[np.float32], float]:
    """The heatmap as it is drawn, in [-1, 1], and which magnitude is drawn in full colour.

    That is 1, unless 99 of 100 values lie below half of it: then the 99th percentile of the magnitudes, which larger
    ones are cut off at, as in Smilkov et al., *SmoothGrad* (2017), sec. 3. Maps enlarged from a layer are not so.

    Args:
        heatmap: in [-1, 1]; NaN where the model did not see the picture.
    """
    values = np.asarray(heatmap, dtype=np.float32)
    seen = np.abs(values[np.isfinite(values)])
    if seen.size < FEWEST:
        return values, 1.0
    peak = float(np.percentile(seen, PERCENTILE))
    if not 0 < peak < SHARE * float(seen.max()):
        return values, 1.0
    return np.clip(values / np.float32(peak), -1, 1), peak

"""Does the map lie on the object? A question of its own: a model may rightly look elsewhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError
from inspector.quality.metric import Measured
from inspector.quality.trial import Trial

__all__ = ["energy_in_box", "pointing_game"]

# pixels of a picture whose larger side is 224
TOLERANCE = 15 / 224


def pointing_game(trial: Trial, *, tolerance: float = TOLERANCE) -> Measured:
    """Zhang et al., Top-down Neural Attention by Excitation Backprop, IJCV 2018: whether the highest place
    lies on the object, or no further from it than `tolerance`. Of several places that are equally high the share that
    does, so that a constant map scores what chance would.

    Args:
        trial: the map.
        tolerance: as a share of the larger side; the paper's 15 pixels.

    Raises:
        InputError: the tolerance is negative.
    """
    if tolerance < 0:
        raise InputError(f"the pointing game takes a tolerance of 0 or more, not {tolerance}")
    inside = trial.question.inside
    if inside is None:
        return Measured({"pointing-game": float("nan")})
    peaks = np.argwhere(trial.heatmap == trial.heatmap.max())
    reach = tolerance * max(trial.heatmap.shape)
    return Measured({"pointing-game": float(np.mean(_near(peaks, inside, reach)))})


def energy_in_box(trial: Trial) -> Measured:
    """Wang et al., Score-CAM, CVPR workshop 2020, energy-based pointing game: the share of the positive
    relevance that lies on the object. A constant map scores the object's share of the picture; one without positive
    relevance 0.
    """
    inside = trial.question.inside
    if inside is None:
        return Measured({"energy-in-box": float("nan")})
    positive = np.maximum(trial.heatmap, 0)
    total = float(positive.sum())
    return Measured({"energy-in-box": float(positive[inside].sum()) / total if total > 0 else 0.0})


def _near(peaks: NDArray[np.int64], inside: NDArray[np.bool_], reach: float) -> NDArray[np.bool_]:
    """Which of `peaks` (n, axes) lie on the object or at most `reach` places from it."""
    if not inside.any():
        return np.zeros(len(peaks), dtype=bool)
    from scipy.ndimage import distance_transform_edt

    distance = np.asarray(distance_transform_edt(~inside))
    near: NDArray[np.bool_] = distance[tuple(peaks.T)] <= reach
    return near

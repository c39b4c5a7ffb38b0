"""Does the map stay when the input hardly changes?"""

from __future__ import annotations

import numpy as np

from inspector.errors import InputError
from inspector.quality.metric import Measured
from inspector.quality.trial import Trial

__all__ = ["sensitivity_max"]


def sensitivity_max(trial: Trial, *, samples: int = 8, radius: float = 0.02) -> Measured:
    """Yeh et al., On the (In)fidelity and Sensitivity of Explanations, NeurIPS 2019, definition 3.1: the largest change
    of the map, over inputs within `radius`, as a share of the map (Euclidean norms). Lower is better; 0 is also what a
    map has that does not look at the input.

    Found by Monte Carlo, as in the paper: the largest of `samples` draws, which more draws can only raise. Not defined
    for a map of zeros. It costs the method `samples` times over.

    Args:
        trial: the map.
        samples: draws, uniform in the cube around the sample.
        radius: of the cube, as a share of the sample's range.

    Raises:
        InputError: there are no samples, or the radius is not positive.
    """
    if samples < 1 or radius <= 0:
        raise InputError(f"sensitivity-max takes samples >= 1 and radius > 0, not {samples}, {radius}")
    length = float(np.linalg.norm(trial.raw))
    if length == 0:
        return Measured({"sensitivity-max": float("nan")})
    subject = trial.question.subject
    x = subject.x
    reach = radius * float(x.max() - x.min())
    noise = np.random.default_rng([trial.question.seed, 5]).uniform(-reach, reach, (samples, *x.shape[1:]))
    moved = x + noise
    if x.dtype.kind in "iu":
        limits = np.iinfo(x.dtype)
        moved = np.clip(np.rint(moved), limits.min, limits.max)
    maps = trial.again(subject.at(moved.astype(x.dtype), [0] * samples))
    changes = [float(np.linalg.norm(each - trial.raw)) / length for each in maps]
    return Measured({"sensitivity-max": max(changes)})

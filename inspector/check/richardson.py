"""Slopes from single-precision values: several step sizes, extrapolated.

Float32 leaves noise of parts in 1e7 in a score, so steps are large (3e-2 of the tensor's magnitude, then half of it,
five times), and a network has kinks between the points nearly always. Of each step the central difference is taken;
two successive ones are extrapolated (Richardson: the error's h^2 term cancels); and what successive differences still
change by, with the noise, is the uncertainty: it holds truncation, kinks and rounding together. The step with the least
uncertainty is used, and three times that uncertainty is the tolerance. Above 2 % the direction counts as unresolved.
"""

from __future__ import annotations

import numpy as np

from inspector.check.stencil import Array, Score, Slope, line_points

__all__ = ["extrapolate_slopes"]

STEPS = 3e-2 * 0.5 ** np.arange(6)
POINTS = np.concatenate([-STEPS, [0.0], STEPS])
COARSEST = 0.02
"""Relative tolerance above which a comparison would say too little."""


def extrapolate_slopes(
    score: Score, point: Array, directions: Array, claims: Array, scale: float, noise: float
) -> list[Slope]:
    """`measure_slopes` for values in single precision; `noise` is float32's."""
    slopes = []
    for direction, claim in zip(directions, claims, strict=True):
        values = score(line_points(point, direction[None], POINTS, [scale]))
        slopes.append(_judge(values, abs(float(claim)), noise))
    return slopes


def _judge(values: Array, claim: float, noise: float) -> Slope:
    count = len(STEPS)
    behind, here, ahead = values[:count], values[count], values[count + 1 :]
    central = (ahead - behind) / (2 * STEPS)
    # the jump between the one-sided slopes: it halves with the step on a smooth function, and stays at a kink
    jump = np.abs(ahead - 2 * here + behind) / STEPS
    changes = np.abs(np.diff(central))
    extrapolated = central[1:] + np.diff(central) / 3
    # a change that is small by chance is caught by its neighbour
    uncertainty = np.maximum(changes[:-1], changes[1:]) + 2.5 * noise / STEPS[1:-1]
    best = int(np.argmin(np.where(np.isfinite(uncertainty), uncertainty, np.inf)))
    value, step = float(extrapolated[best]), float(STEPS[best + 1])
    size = max(abs(value), claim)
    tolerance = 3 * float(uncertainty[best]) / size if size else 0.0
    persists = jump[best + 1] > 0.75 * jump[best] and jump[best + 1] > 8 * noise / step
    if persists and jump[best + 1] > 2 * float(uncertainty[best]):
        return Slope("kink", value, np.inf, step)
    return Slope("smooth" if tolerance <= COARSEST else "noise", value, tolerance, step)

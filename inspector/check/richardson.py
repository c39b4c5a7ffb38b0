"""Slopes from single-precision values: several step sizes, and the one that leaves the least doubt.

Float32 leaves noise of parts in 1e7 in a score, so steps are large: 3e-2 of the tensor's magnitude, then half of it,
nine times, or the ten that end with the smallest above the noise, where a direction is steep. A network has kinks
between the points nearly always. Each step h gives, with twice that step, the central difference extrapolated to fourth
order (Richardson: the error's h^2 term cancels) and four one-sided slopes.
On a smooth function these change evenly: what their changes differ by tells the kinks between the points, as in
`inspector.check.stencil`; what the two central differences differ by bounds truncation. The larger of both, and the
noise, is the uncertainty. The step with the least is used, and twice that uncertainty is the tolerance. Above 2 % the
direction counts as unresolved.
"""

from __future__ import annotations

import numpy as np

from inspector.check.stencil import Array, Score, Slope, line_points

__all__ = ["extrapolate_slopes"]

STEPS = 3e-2 * 0.5 ** np.arange(17)
MOST = 10
"""Steps that a direction is given."""
FEWEST = 4
"""Steps that each direction is given, however few evaluations are left."""
COARSEST = 0.02
"""Relative tolerance above which a comparison would say too little."""


def extrapolate_slopes(
    score: Score,
    point: Array,
    here: float,
    directions: Array,
    claims: Array,
    scale: float,
    noise: float,
    allowed: float = np.inf,
) -> list[Slope]:
    """`measure_slopes` for values in single precision; `noise` is float32's. No direction takes further steps.

    Where fewer evaluations are allowed than all steps take, each direction gets those likely to leave the least
    doubt, and at least `FEWEST`.
    """
    each = MOST
    if allowed < 2 * each * len(directions):
        each = max(FEWEST, int(allowed) // (2 * len(directions)))
    slopes = []
    for direction, claim in zip(directions, claims, strict=True):
        steps = _likeliest(each, abs(float(claim)), noise)
        values = score(line_points(point, direction[None], np.concatenate([-steps, steps]), [scale]))
        slopes.append(_judge(steps, values, here, abs(float(claim)), noise))
    return slopes


def _likeliest(count: int, claim: float, noise: float) -> Array:
    """As many consecutive `STEPS`: kinks count least in the smallest, down to where rounding hides the slope."""
    seen = np.flatnonzero(2.5 * noise / STEPS <= COARSEST / 8 * claim)
    last = int(seen[-1]) if len(seen) else 0
    start = min(max(0, last + 1 - count), len(STEPS) - count)
    return STEPS[start : start + count]


def _judge(steps: Array, values: Array, here: float, claim: float, noise: float) -> Slope:
    behind, ahead = values[: len(steps)], values[len(steps) :]
    central = (ahead - behind) / (2 * steps)
    extrapolated = central[1:] + np.diff(central) / 3
    h = steps[1:]
    # one-sided slopes over [-2h, -h], [-h, 0], [0, h], [h, 2h]
    one_sided = np.stack(
        [behind[1:] - behind[:-1], here - behind[1:], ahead[1:] - here, ahead[:-1] - ahead[1:]]
    )
    changes = np.diff(one_sided / h, axis=0)
    bent = np.ptp(changes, axis=0)
    truncated = np.abs(np.diff(central))
    doubt = np.maximum(bent, truncated)
    uncertainty = doubt + 2.5 * noise / h
    best = int(np.argmin(np.where(np.isfinite(uncertainty), uncertainty, np.inf)))
    value, step = float(extrapolated[best]), float(h[best])
    size = max(abs(value), claim)
    tolerance = 2 * float(uncertainty[best]) / size if size else 0.0
    # the jump between the one-sided slopes: it halves with the step on a smooth function, and stays at a kink
    jump = np.abs(ahead - 2 * here + behind) / steps
    persists = jump[best + 1] > 0.75 * jump[best] and jump[best + 1] > 8 * noise / step
    if persists and jump[best + 1] > 2 * float(uncertainty[best]):
        return Slope("kink", value, np.inf, step)
    return Slope("smooth" if tolerance <= COARSEST else "noise", value, tolerance, step)

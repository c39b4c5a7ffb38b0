"""From measured slopes to a verdict, in figures and in words."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.check.stencil import Array, Slope
from inspector.check.verdict import GradientCheck, Precision, Verdict

__all__ = ["describe"]


def describe(
    *,
    slopes: Sequence[Slope],
    claims: Array,
    precision: Precision,
    reason: str,
    zero: bool,
    float32_error: float,
    float32_limit: float,
    noise: float,
    evaluations: int,
) -> GradientCheck:
    """Judge a gradient.

    Args:
        slopes: as measured, one per direction.
        claims: (D,) the gradient's slope along the same directions, in the same unit.
        precision: of both.
        reason: why the precision is not float64.
        zero: the gradient is zero everywhere at the tensor's own value.
        float32_error: relative distance of the displayed gradient from the float64 one.
        float32_limit: what it may be.
        noise: see `GradientCheck`.
        evaluations: see `GradientCheck`.
    """
    compared = [_compare(slope, float(claim)) for slope, claim in zip(slopes, claims, strict=True)]
    wrong = [error for slope, error in zip(slopes, compared, strict=True) if not error <= slope.tolerance]
    decided = [error for slope, error in zip(slopes, compared, strict=True) if slope.kind == "smooth"]
    kinks = sum(slope.kind == "kink" for slope in slopes)
    unresolved = len(slopes) - len(decided) - kinks
    tolerance = max((slope.tolerance for slope in slopes if slope.kind == "smooth"), default=float("nan"))
    far = float32_error > float32_limit

    verdict: Verdict
    if wrong or far:
        verdict = "failed"
    elif zero:
        verdict = "vacuous"
    elif 2 * len(decided) < len(slopes):
        verdict = "inconclusive"
    else:
        verdict = "passed"
    largest = max(wrong or decided, default=float("nan"))

    parts = []
    if wrong:
        parts.append(
            f"off by {largest:.1e} from finite differences in {len(wrong)} of {len(slopes)} directions"
        )
    elif verdict == "vacuous":
        parts.append("the gradient is zero everywhere, and so are the finite differences: nothing was tested")
    elif decided:
        parts.append(f"agrees with finite differences in {len(decided)} directions to {largest:.1e}")
    parts[-1:] = [f"{parts[-1]} ({_precision(precision, tolerance, reason)})"] if parts else []
    if kinks:
        parts.append(f"{kinks} of {len(slopes)} directions given up: a kink (ReLU, max) between the points")
    if unresolved and verdict != "vacuous":
        parts.append(f"{unresolved} of {len(slopes)} directions given up: rounding hides the slope")
    if float32_error == float32_error:
        parts.append(
            f"the displayed gradient is {'only ' if far else ''}within {float32_error:.1e} of the float64 one"
        )
    if noise:
        parts.append(
            f"checked at the tensor's value plus noise of {noise:.0%} of its range, because the score has a kink at the"
            " value itself (a ReLU at zero, or equal values in a maximum) and the gradient there is one of several"
        )
    return GradientCheck(
        verdict=verdict,
        max_relative_error=largest,
        tolerance=tolerance,
        directions=len(decided),
        kinks=kinks,
        unresolved=unresolved,
        precision=precision,
        float32_error=float32_error,
        noise=noise,
        evaluations=evaluations,
        samples=1,
        message="; ".join(parts),
    )


def _compare(slope: Slope, claim: float) -> float:
    """Relative error; 0 where a kink leaves nothing to compare or both are zero."""
    size = max(abs(slope.value), abs(claim))
    if slope.kind == "kink" or size == 0:
        return 0.0
    return abs(slope.value - claim) / size


def _precision(precision: Precision, tolerance: float, reason: str) -> str:
    if precision == "float64":
        return "float64"
    return f"float32, tolerance {tolerance:.1e}: {reason}"

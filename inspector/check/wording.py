"""From measured slopes to a verdict, in figures and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inspector.check.decisions import NONE, NearTies
from inspector.check.stencil import TOLERANCE, Slope
from inspector.check.verdict import Against, GradientCheck, Precision, Verdict

__all__ = ["UNKNOWN", "Displayed", "describe"]


@dataclass(frozen=True)
class Displayed:
    """How far the displayed gradient is from the float64 one (relative, L2).

    Attributes:
        error: the distance; where rounding leaves decisions open, from the gradient with those that float32 took.
        limit: what it may be.
        reach: what it may be where float32 rounding alone moves the gradient, all decisions kept, by more than `limit`.
        ties: the decisions that float32 took otherwise, every one of them left open by rounding.
        apart: the distance from the gradient with float64's own decisions.
        unsure: it is beyond, but rounding of the inputs moves the gradient across kinks by as much, each time to
            others: it may lie on a side that was not met again.
    """

    error: float
    limit: float
    reach: float
    ties: NearTies = NONE
    apart: float = float("nan")
    unsure: bool = False

    @property
    def beyond(self) -> bool:
        # (negated: a displayed gradient of NaN is beyond; where there is none to compare with, none is)
        return self.reach == self.reach and not self.error <= self.reach and not self.unsure

    @property
    def rounded(self) -> bool:
        """Float32 rounding moves the gradient by more than the limit."""
        return self.limit < self.error <= self.reach

    def __str__(self) -> str:
        if self.unsure:
            return (
                f"the displayed gradient is only within {self.error:.1e} of the float64 one, which changes as much when"
                " the tensor moves by float32 rounding: a kink is nearer than that, and whether float32 fell on its"
                " other side or is wrong cannot be told"
            )
        if not self.ties.count:
            only = "only " if self.beyond else ""
            within = f"the displayed gradient is {only}within {self.error:.1e} of the float64 one"
        else:
            which = ", ".join(self.ties.operators)
            within = (
                f"{self.ties.count:,} of {self.ties.of:,} decisions ({which}) lie within float32 rounding of a tie:"
                " the displayed gradient takes the other side there, and is within"
                f" {self.error:.1e} of the float64 one with the same decisions ({self.apart:.1e} without)"
            )
        if self.rounded:
            within += f"; rounding alone moves it by up to {self.reach / 2:.1e}"
        return within


UNKNOWN = Displayed(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class Comparison:
    """One direction: the slope measured, and what the gradient says it is, in the same unit."""

    slope: Slope
    claim: float

    @property
    def error(self) -> float:
        """Relative difference; 0 where there is nothing to compare, or both are zero."""
        size = max(abs(self.slope.value), abs(self.claim))
        return (
            0.0 if self.kinked or self.unfinished or size == 0 else abs(self.slope.value - self.claim) / size
        )

    @property
    def wrong(self) -> bool:
        # (negated: NaN is wrong)
        return not self.error <= self.slope.tolerance

    @property
    def kinked(self) -> bool:
        return self.slope.kind == "kink"

    @property
    def unfinished(self) -> bool:
        return self.slope.kind == "unfinished"

    @property
    def decided(self) -> bool:
        return self.slope.kind == "smooth"


def describe(
    *,
    found: Sequence[Comparison],
    along: Sequence[Comparison],
    precision: Precision,
    reason: str,
    zero: bool,
    displayed: Displayed,
    noise: float,
    evaluations: int,
    against: Against = "the file",
) -> GradientCheck:
    """Judge a gradient.

    Args:
        found: the comparisons.
        along: further ones at the tensor's own value, where `found` were made beside it.
        precision: of all of them.
        reason: why it is not float64.
        zero: the gradient is zero everywhere at the tensor's own value.
        displayed: the displayed gradient beside the float64 one.
        noise: see `GradientCheck`.
        evaluations: see `GradientCheck`.
        against: see `GradientCheck`.
    """
    every = [*found, *along]
    wrong = [comparison for comparison in every if comparison.wrong]
    decided = [comparison.error for comparison in every if comparison.decided]
    kinks = sum(comparison.kinked for comparison in found)
    unfinished = sum(comparison.unfinished for comparison in every)
    unresolved = len(every) - len(decided) - kinks
    tolerance = max((c.slope.tolerance for c in every if c.decided), default=float("nan"))

    verdict: Verdict
    if wrong or displayed.beyond:
        verdict = "failed"
    elif zero:
        verdict = "vacuous"
    elif not _enough(found) or displayed.unsure:
        verdict = "inconclusive"
    else:
        verdict = "passed"
    largest = max(decided, default=float("nan"))
    if wrong:
        worst = max(wrong, key=lambda c: c.error / c.slope.tolerance if c.error == c.error else float("inf"))
        largest, tolerance = worst.error, worst.slope.tolerance

    parts = []
    whose = "" if against == "the file" else f" of {against} (the file without its rounding)"
    if wrong:
        parts.append(
            f"off by {largest:.1e} from finite differences{whose} in {len(wrong)} of {len(every)} directions"
        )
    elif verdict == "vacuous":
        parts.append(
            f"the gradient is zero everywhere, and so are the finite differences{whose}: nothing was tested"
        )
    elif decided:
        parts.append(f"agrees with finite differences{whose} in {len(decided)} directions to {largest:.1e}")
    parts[-1:] = [f"{parts[-1]} ({_precision(precision, tolerance, reason)})"] if parts else []
    if kinks:
        parts.append(f"{kinks} of {len(every)} directions given up: a kink (ReLU, max) between the points")
    if unfinished:
        parts.append(
            f"{unfinished} of {len(every)} directions not finished: kinks took all evaluations allowed"
        )
    if unresolved > unfinished and verdict != "vacuous":
        parts.append(
            f"{unresolved - unfinished} of {len(every)} directions given up: rounding hides the slope"
        )
    if displayed is not UNKNOWN:
        parts.append(str(displayed))
    if noise:
        parts.append(
            f"checked at the tensor's value plus noise of {noise:.0%} of its range, because the score has a kink at the"
            " value itself (a ReLU at zero, or equal values in a maximum) and the gradient there is one of several"
        )
        if along:
            parts.append(
                f"at the value itself, in {len(along)} directions in which equal elements move alike"
            )
    return GradientCheck(
        verdict=verdict,
        max_relative_error=largest,
        tolerance=tolerance,
        directions=len(decided),
        kinks=kinks,
        unresolved=unresolved,
        precision=precision,
        float32_error=displayed.error,
        float32_tolerance=displayed.reach,
        noise=noise,
        evaluations=evaluations,
        samples=1,
        message="; ".join(parts),
        against=against,
        ties=displayed.ties.count,
    )


def _enough(found: Sequence[Comparison]) -> bool:
    """Whether half of the directions decided; where evaluations ran out, half of those finished, and at least three."""
    finished = [comparison for comparison in found if not comparison.unfinished]
    decided = sum(comparison.decided for comparison in finished)
    return 2 * decided >= len(finished) and decided >= (3 if len(finished) < len(found) else 0)


def _precision(precision: Precision, tolerance: float, reason: str) -> str:
    if precision == "float32":
        return f"float32, tolerance {tolerance:.1e}: {reason}"
    # (NaN where nothing was decided)
    return (
        f"float64, tolerance {tolerance:.1e}: small kinks or rounding" if tolerance > TOLERANCE else "float64"
    )

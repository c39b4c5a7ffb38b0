"""What a finite-difference check found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["Against", "GradientCheck", "Precision", "Verdict", "combine"]

Verdict = Literal["passed", "failed", "inconclusive", "vacuous"]
Precision = Literal["float64", "float32"]
Against = Literal["the file", "the de-quantised graph"]

_WORST_FIRST: tuple[Verdict, ...] = ("failed", "inconclusive", "vacuous", "passed")


@dataclass(frozen=True)
class GradientCheck:
    """The verdict on one gradient, and what it rests on.

    Attributes:
        verdict: `passed`; `failed`; `inconclusive` where more than half of the directions could not be decided;
            `vacuous` where gradient and differences are zero throughout. Only `passed` is passed.
        max_relative_error: largest |fd - <g, v>| / max(|fd|, |<g, v>|) over the directions decided, fd being the
            finite difference and g the gradient in `precision`; NaN where none was decided.
        tolerance: what that error may be: 1e-6 in float64, more where kinks or rounding leave doubt (at most 1e-3);
            derived from the step sizes in float32.
        directions: directions that decided.
        kinks: directions given up because the score has a kink (ReLU, max) between the points at every usable step.
        unresolved: directions given up because rounding hides the slope, or because evaluations ran out.
        precision: of the finite differences and of the gradient compared with them.
        float32_error: relative L2 distance of the displayed gradient from the float64 one, which takes float32's
            decisions at `ties`; NaN where there is no float64 one.
        float32_tolerance: what that distance may be: 1e-5; more where float32 rounding alone, all decisions kept, moves
            the gradient by more.
        noise: 0 where the check was made at the tensor's own value; else the amplitude of the uniform noise added to
            it, as a share of its largest magnitude, because the score has a kink at the value itself.
        evaluations: evaluations of the score spent.
        samples: images checked; each is checked by itself, and the figures are the worst of them.
        message: all this in words.
        against: whose finite differences they are. Those of a quantised file are zero or infinite, for it rounds: its
            gradient is that of the same graph without rounding (straight-through), which also takes its place here.
        ties: decisions (a maximum, a ReLU near its zero) within float32 rounding of a tie, where the displayed gradient
            takes the other side than float64.
    """

    verdict: Verdict
    max_relative_error: float
    tolerance: float
    directions: int
    kinks: int
    unresolved: int
    precision: Precision
    float32_error: float
    float32_tolerance: float
    noise: float
    evaluations: int
    samples: int
    message: str
    against: Against = "the file"
    ties: int = 0

    @property
    def passed(self) -> bool:
        return self.verdict == "passed"

    def to_json(self) -> dict[str, Any]:
        """Everything as JSON values; NaN becomes None."""
        values = {key: None if value != value else value for key, value in asdict(self).items()}
        return {"passed": self.passed, **values}

    def __str__(self) -> str:
        return f"{self.verdict}: {self.message}"


def combine(checks: Sequence[GradientCheck]) -> GradientCheck:
    """One verdict for several images: the worst of them; figures the largest, counts summed."""
    if len(checks) == 1:
        return checks[0]
    worst = min(checks, key=lambda check: _WORST_FIRST.index(check.verdict))
    same = sum(check.verdict == worst.verdict for check in checks)
    message = (
        worst.message if worst.passed else f"{same} of {len(checks)} images {worst.verdict}: {worst.message}"
    )
    return GradientCheck(
        verdict=worst.verdict,
        max_relative_error=_largest([check.max_relative_error for check in checks]),
        tolerance=_largest([check.tolerance for check in checks]),
        directions=sum(check.directions for check in checks),
        kinks=sum(check.kinks for check in checks),
        unresolved=sum(check.unresolved for check in checks),
        precision="float32" if any(check.precision == "float32" for check in checks) else "float64",
        float32_error=_largest([check.float32_error for check in checks]),
        float32_tolerance=_largest([check.float32_tolerance for check in checks]),
        noise=max(check.noise for check in checks),
        evaluations=sum(check.evaluations for check in checks),
        samples=len(checks),
        message=message,
        against=checks[0].against,
        ties=sum(check.ties for check in checks),
    )


def _largest(values: Sequence[float]) -> float:
    """The largest that is a number; NaN where none is."""
    return max((value for value in values if value == value), default=float("nan"))

"""What a measured claim is: a statement of the source report, its verdict, and the figures that decided it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

__all__ = ["DOES_NOT_HOLD", "HOLDS", "NOT_MEASURED", "Claim", "Measurement", "judge", "measure_each"]

T = TypeVar("T")

HOLDS = "holds"
DOES_NOT_HOLD = "does not hold"
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Measurement:
    """One claim on one model: whether it holds there, and the figures (in the units that ``figure`` names)."""

    holds: bool
    figure: str
    values: dict[str, float] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        return HOLDS if self.holds else DOES_NOT_HOLD


@dataclass(frozen=True)
class Claim:
    """A numbered claim with its verdict over every case (a model in a framework) that was measured."""

    number: int
    text: str
    verdict: str
    figure: str
    method: str
    cases: dict[str, Measurement] = field(default_factory=dict)


def judge(
    number: int,
    text: str,
    method: str,
    cases: Mapping[str, Measurement],
    otherwise: str = "no model that it speaks of is in this report",
) -> Claim:
    """A claim holds only if it holds in every case; with no case it is not measured, for the reason ``otherwise``."""
    if not cases:
        return Claim(number, text, NOT_MEASURED, otherwise, method)
    holding = [name for name, case in cases.items() if case.holds]
    verdict = HOLDS if len(holding) == len(cases) else DOES_NOT_HOLD
    if len(cases) == 1:
        (only,) = cases.values()
        return Claim(number, text, verdict, only.figure, method, dict(cases))
    figure = f"holds in {len(holding)} of {len(cases)}"
    failing = [name for name in cases if name not in holding]
    if holding and len(failing) <= 2:
        figure += "".join(f"; not in {name}" for name in failing)
    return Claim(number, text, verdict, figure, method, dict(cases))


def measure_each(cases: Mapping[str, T], measure: Callable[[T], Measurement]) -> dict[str, Measurement]:
    """Apply one measure to every case, keeping the names."""
    return {name: measure(value) for name, value in cases.items()}

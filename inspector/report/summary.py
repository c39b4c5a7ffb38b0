"""What came of a report: the page written, and what its checks and claims came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from inspector.render import save_text
from inspector.report.claims import Claim
from inspector.report.study import Heat

__all__ = ["Advance", "ReportSummary", "count_verdicts", "silent", "write_page"]

Advance = Callable[[int, int, str], None]
"""Called as work advances with: steps done, steps in all, what begins now."""


@dataclass(frozen=True)
class ReportSummary:
    """The page written: where, how large, and what its checks and claims came to; ``absent`` is what it lacks."""

    path: Path
    size: int
    checks: dict[str, int] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def failed_checks(self) -> int:
        return self.checks.get("failed", 0)


def silent(done: int, total: int, step: str) -> None:
    """Progress that nobody watches."""


def write_page(
    page: str,
    out: str | PathLike[str],
    heats: Sequence[Heat],
    claims: tuple[Claim, ...] = (),
    absent: tuple[str, ...] = (),
) -> ReportSummary:
    """Write the page whole or not at all, and sum up. Raises OutputError."""
    path = save_text(page, out)
    return ReportSummary(path, path.stat().st_size, count_verdicts(heats), claims, absent)


def count_verdicts(heats: Sequence[Heat]) -> dict[str, int]:
    return dict(Counter(heat.check.verdict for heat in heats if heat.check is not None))

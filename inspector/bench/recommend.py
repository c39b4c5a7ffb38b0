"""From measured rows to settings to take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from inspector.bench.measure import Row

__all__ = ["Recommendation", "recommend"]

# share by which a setting may be slower than the best one and still be taken, where it needs fewer threads or memory
MARGIN = 0.05


@dataclass(frozen=True)
class Recommendation:
    """Settings for one purpose.

    Attributes:
        purpose: "one at a time" or "many".
        provider, threads, batch: to take.
        milliseconds: of a forward pass with them.
        per_second: samples.
    """

    purpose: str
    provider: str
    threads: int
    batch: int
    milliseconds: float
    per_second: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def recommend(rows: Sequence[Row]) -> list[Recommendation]:
    """The smallest batch's quickest setting, and the setting with most samples per second, of the forward pass.

    Within 5 % of the best, which is noise, the smaller batch is taken, then the fewer threads.
    """
    forward = [row for row in rows if row.work == "forward"]
    least = min(row.batch for row in forward)
    quick = _choose([row for row in forward if row.batch == least])
    return [_of("one at a time", quick), _of("many", _choose(forward))]


def _choose(rows: Sequence[Row]) -> Row:
    most = max(row.per_second for row in rows)
    good = [row for row in rows if row.per_second >= most * (1 - MARGIN)]
    return min(good, key=lambda row: (row.batch, row.threads, -row.per_second))


def _of(purpose: str, row: Row) -> Recommendation:
    return Recommendation(
        purpose, row.provider, row.threads, row.batch, row.milliseconds.middle, row.per_second
    )

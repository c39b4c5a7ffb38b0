"""How fast one model is here, and which settings to take."""

from __future__ import annotations

from inspector.bench.measure import Bench, Row, Settings, bench
from inspector.bench.recommend import Recommendation, recommend
from inspector.bench.turns import Spread, quartiles, take_turns

__all__ = [
    "Bench",
    "Recommendation",
    "Row",
    "Settings",
    "Spread",
    "bench",
    "quartiles",
    "recommend",
    "take_turns",
]

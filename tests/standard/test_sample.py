"""Some of the standard's own node cases; all of them: `make test-nodes`."""

from __future__ import annotations

from .collected import collected
from .measure import Result, measure
from .report import page, summary, unexpected

EVERY = 29
"""One in so many cases: some seconds of work."""


def test_some_of_the_cases() -> None:
    cases = list(collected().values())
    assert len(cases) > 1000
    results = [measure(case) for case in cases[::EVERY]]
    assert not [line for line in unexpected(results) if "named in known.py" not in line]
    assert sum(result.outcome == "passed" for result in results) > len(results) / 3


def test_a_case_that_fails_unannounced_is_reported() -> None:
    failed = Result("new", "Relu", "failed", "off by 1")
    assert unexpected([failed]) == ["new (Relu): off by 1"]
    assert "falls short | 1 |" in page({"1.0": summary([failed])})

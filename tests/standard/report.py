"""Every node case of the installed standard, in parallel: `python -m tests.standard.report [PART OF A NAME]`.

Writes the table docs/nodes.md. Exits with 1 where a case fails that `known.SHORT` does not name, or one passes that it
names.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
import onnxruntime

from .collected import collected
from .known import SHORT
from .measure import OUTCOMES, Result, measure

__all__ = ["page", "summary", "unexpected"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "nodes.md"
SUMMARIES = Path(__file__).with_name("summaries.json")
"""What the last run with each version of onnxruntime found: the page shows them side by side."""

Summary = Mapping[str, Any]


def measure_all(names: Sequence[str], processes: int = 2) -> list[Result]:
    collected()  # once, before the processes fork
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        return pool.map(_measure, names, chunksize=8)


def _measure(name: str) -> Result:
    return measure(collected()[name])


def unexpected(results: Iterable[Result]) -> list[str]:
    """What `known.SHORT` does not say: one line each."""
    found = []
    for result in results:
        failed = result.outcome == "failed"
        if failed and result.name not in SHORT:
            found.append(f"{result.name} ({result.operator}): {result.detail}")
        held = result.outcome not in ("failed", "integer", "unloaded")
        if held and result.name in SHORT:
            found.append(f"{result.name} is named in known.py, and {OUTCOMES[result.outcome]}")
    return found


def summary(results: Sequence[Result]) -> Summary:
    """What the page tells of one run."""
    zero = Counter(
        f"{result.operator}|{'operators without a derivative' if result.cut else 'the values of the case'}"
        for result in results
        if result.outcome in ("zero", "refused")
    )
    reasons = Counter(_reason(result.detail) for result in results if result.outcome == "unloaded")
    return {
        "onnx": onnx.__version__,
        "counts": dict(Counter(result.outcome for result in results)),
        "zero": dict(sorted(zero.items())),
        "short": {
            result.name: SHORT.get(result.name, result.detail)[:300]
            for result in results
            if result.outcome == "failed"
        },
        "unloaded": dict(reasons.most_common()),
    }


def page(summaries: Mapping[str, Summary]) -> str:
    """`docs/nodes.md`, from the summary of each version of onnxruntime."""
    versions = sorted(summaries, key=_numbers)
    newest = summaries[versions[-1]]
    rows: dict[str, list[str]] = {}
    for version in versions:
        for label, figure in _totals(summaries[version]):
            rows.setdefault(label, []).append(figure)
    lines = [
        "# The standard's own node cases",
        "",
        "Written by `make test-nodes`: every case of `onnx.backend.test.case.node.collect_testcases(None)`,",
        "its model up-converted and expanded like any file; its gradient in float64 against finite differences of the",
        "file as it is, at the case's own inputs; and onnxruntime's float32 (or float16) gradient against the float64",
        "one.",
        "",
        f"| onnx {newest['onnx']}, onnxruntime | {' | '.join(versions)} |",
        f"| --- |{' ---: |' * len(versions)}",
        *(f"| {label} | {' | '.join(figures)} |" for label, figures in rows.items()),
        "",
        f"## Where gradient and differences are zero (onnxruntime {versions[-1]})",
        "",
        "| operator | cases | because |",
        "| --- | ---: | --- |",
    ]
    for key, count in newest["zero"].items():
        operator, reason = key.split("|")
        lines.append(f"| {operator} | {count} | {reason} |")
    lines += ["", f"## What falls short (onnxruntime {versions[-1]})", ""]
    short = newest["short"]
    lines += ["| case | reason |", "| --- | --- |"] if short else ["Nothing."]
    lines += [f"| {name} | {reason.replace('|', '/')} |" for name, reason in short.items()]
    lines += ["", f"## Why onnxruntime {versions[-1]} does not load or run the others", ""]
    lines += ["| cases | what it says |", "| ---: | --- |"]
    lines += [f"| {count} | {reason} |" for reason, count in newest["unloaded"].items()]
    return "\n".join(lines) + "\n"


def _totals(found: Summary) -> list[tuple[str, str]]:
    counts: Counter[str] = Counter(found["counts"])
    floating = sum(counts.values()) - counts["integer"]
    loaded = floating - counts["unloaded"]
    share = 100 * (loaded - counts["failed"]) / max(loaded, 1)
    return [
        ("all cases", str(sum(counts.values()))),
        ("with a floating-point input and output", str(floating)),
        ("of these, loaded and run by onnxruntime", str(loaded)),
        ("gradient agrees with finite differences", str(counts["passed"])),
        ("gradient zero and differences zero", str(counts["zero"])),
        ("no derivative at the case's own values", str(counts["undefined"])),
        ("refused on purpose, differences zero or undefined", str(counts["refused"])),
        ("falls short", str(counts["failed"])),
        ("share that holds", f"{share:.1f} %"),
    ]


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def _reason(detail: str) -> str:
    """The runtime's message without what differs from case to case."""
    if "opset" in detail.lower() and "is till opset" in detail:
        return "the opset is newer than those it knows"
    if "Unsupported model IR version" in detail:
        return "the IR version is newer than those it knows"
    if "NOT_IMPLEMENTED" in detail:
        return "no kernel for the operator with these types"
    if "is not a registered function/op" in detail:
        return "operators of preview domains"
    if "while running" in detail or "INVALID_ARGUMENT" in detail:
        return "it loads the file and then refuses the case's own inputs"
    return "the types or the shape of an input"


def main(arguments: Sequence[str]) -> int:
    part = arguments[0] if arguments else ""
    names = [name for name in collected() if part in name]
    results = measure_all(names, min(2, os.cpu_count() or 1))
    if not part:
        summaries = json.loads(SUMMARIES.read_text()) if SUMMARIES.exists() else {}
        summaries[onnxruntime.__version__] = summary(results)
        SUMMARIES.write_text(json.dumps(summaries, indent=1) + "\n")
        PAGE.write_text(page(summaries))
    wrong = unexpected(results)
    print(*wrong, sep="\n")
    print(dict(Counter(result.outcome for result in results)))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

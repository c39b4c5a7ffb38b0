"""Every node case of the installed standard, in parallel: `python -m tests.standard.report [PART OF A NAME]`.

Writes the table docs/nodes.md. Exits with 1 where a case fails that `known.SHORT` does not name, or one passes that it
names.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import onnx
import onnxruntime

from .collected import collected
from .known import SHORT
from .measure import OUTCOMES, Result, measure

__all__ = ["page", "unexpected"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "nodes.md"


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
        if not failed and result.name in SHORT:
            found.append(f"{result.name} is named in known.py, and {OUTCOMES[result.outcome]}")
    return found


def page(results: Sequence[Result]) -> str:
    """`docs/nodes.md`."""
    counts = Counter(result.outcome for result in results)
    floating = len(results) - counts["integer"]
    loaded = floating - counts["unloaded"]
    held = loaded - counts["failed"]
    lines = [
        "# The standard's own node cases",
        "",
        "Written by `make test-nodes`: every case of `onnx.backend.test.case.node.collect_testcases(None)`,",
        "its model up-converted and expanded like any file; its gradient in float64 against finite differences of the",
        "file as it is, at the case's own inputs; and onnxruntime's float32 (or float16) gradient against the float64 one.",
        "",
        f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}.",
        "",
        "| | cases |",
        "| --- | ---: |",
        f"| all | {len(results)} |",
        f"| with a floating-point input and output | {floating} |",
        f"| of these, loaded and run by onnxruntime | {loaded} |",
        f"| gradient agrees with finite differences | {counts['passed']} |",
        f"| gradient zero and differences zero | {counts['zero']} |",
        f"| refused on purpose, differences zero or undefined | {counts['refused']} |",
        f"| falls short | {counts['failed']} |",
        f"| share that holds | {100 * held / max(loaded, 1):.1f} % |",
        "",
        "## Where gradient and differences are zero",
        "",
        "| operator | cases | because |",
        "| --- | ---: | --- |",
    ]
    zero: dict[tuple[str, bool], int] = defaultdict(int)
    for result in results:
        if result.outcome in ("zero", "refused"):
            zero[result.operator, result.cut] += 1
    lines += [
        f"| {operator} | {count} | {'operators without a derivative' if cut else 'the values of the case'} |"
        for (operator, cut), count in sorted(zero.items())
    ]
    lines += ["", "## What falls short", ""]
    short = [result for result in results if result.outcome == "failed"]
    lines += ["| case | reason |", "| --- | --- |"] if short else ["Nothing."]
    lines += [
        f"| {each.name} | {SHORT.get(each.name, each.detail)[:300].replace('|', '/')} |" for each in short
    ]
    lines += [
        "",
        "## Why onnxruntime does not load or run the others",
        "",
        "| cases | what it says |",
        "| ---: | --- |",
    ]
    reasons = Counter(_reason(result.detail) for result in results if result.outcome == "unloaded")
    lines += [f"| {count} | {reason} |" for reason, count in reasons.most_common()]
    return "\n".join(lines) + "\n"


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
        PAGE.write_text(page(results))
    wrong = unexpected(results)
    print(*wrong, sep="\n")
    print(dict(Counter(result.outcome for result in results)))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

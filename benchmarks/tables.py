"""Tables from the JSON of a run: contenders down, networks across, ratios in the cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.contenders.table import TABLE
from benchmarks.networks import NETWORKS

__all__ = ["GROUPS", "Cells", "figure", "grouped", "markdown", "place", "plain_table", "table", "title"]

Cells = list[list[str]]
"""A header and its rows."""

# suite -> heading, and what the ratios are to
GROUPS = {
    "forward": "Forward pass",
    "activations": "All activations",
    "gradcam": "Grad-CAM, up-sampling included",
    "gradient": "Gradient at the input",
    "perturbation": "Perturbation",
    "maximise": "Activation maximisation: 25 filters, 100 steps",
    "build": "Building the gradient graph and its session",
    "memory": "Peak memory of the gradient at the input",
    "startup": "Whole processes",
    "sweep: batch": "Gradient over the batch",
    "sweep: size": "Gradient over the size of the image",
    "sweep: threads": "Gradient over threads",
}
ORDER = {(each.task, each.name): place for place, each in enumerate(TABLE)}


def figure(row: dict[str, Any]) -> str:
    """`1.05 (1.02-1.09)`: median and quartiles; of memory, and of what was run once, one number."""
    if "error" in row:
        return "fails"
    ratio = row.get("ratio")
    if ratio is None:
        return "?"
    if isinstance(ratio, float | int):
        return _short(ratio)
    low, middle, high = ratio
    if row.get("once"):
        return f"{_short(middle)} (one run)"
    return f"{_short(middle)} ({_short(low)}-{_short(high)})"


def place(task: str, name: str) -> int:
    """Where a contender stands in tables: what it is measured by comes first."""
    return ORDER.get((task, name), -1)


def _short(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.1f}" if ratio < 100 else f"{ratio:.0f}"


def title(network: str) -> str:
    """A network's name for people."""
    return NETWORKS[network].title if network in NETWORKS else network


def grouped(found: dict[str, Any]) -> dict[tuple[str, ...], list[dict[str, Any]]]:
    """Cases that share a table: of one suite, provider, precision, and of one batch where this is no sweep."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for case in found["cases"]:
        where = "" if case.get("provider", "cpu") == "cpu" else f", {case['provider']} {case['precision']}"
        batch = "" if "sweep" in case["suite"] or "batch" not in case else str(case["batch"])
        groups.setdefault((case["suite"], batch, where), []).append(case)
    order = list(GROUPS)
    return dict(sorted(groups.items(), key=lambda item: order.index(item[0][0])))


def table(cases: Sequence[dict[str, Any]]) -> Cells:
    """Contenders down, cases across."""
    names = list(dict.fromkeys(row["name"] for case in cases for row in case["rows"]))
    tasks = {row["name"]: case["task"] for case in cases for row in case["rows"]}
    names.sort(key=lambda name: place(tasks[name], name))
    cells = [["", *(_column(case) for case in cases)]]
    for name in names:
        by_case = [{row["name"]: row for row in case["rows"]}.get(name) for case in cases]
        cells.append([name, *(figure(row) if row is not None else "" for row in by_case)])
    return cells


def _column(case: dict[str, Any]) -> str:
    suite = case["suite"]
    if suite == "perturbation":
        return f"{case['task']}, {title(case['network'])} at {case['size']}"
    if suite == "startup":
        return f"beside {case['reference']}"
    if suite == "sweep: threads":
        return f"{case['threads']} threads"
    if suite.startswith("sweep: "):
        return str(case[suite.removeprefix("sweep: ")])
    spec = NETWORKS.get(case["network"])
    other = spec is not None and case["size"] != spec.size
    return title(case["network"]) + (f" at {case['size']}" if other else "")


def markdown(cells: Cells) -> str:
    """For a page; a row of ours in bold."""
    lines = [f"| {' | '.join(cells[0])} |", f"|{' --- |' * len(cells[0])}"]
    for name, *rest in cells[1:]:
        shown = (
            [f"**{cell}**" if cell and cell != "fails" else cell for cell in rest] if _ours(name) else rest
        )
        lines.append(f"| {' | '.join([f'**{name}**' if _ours(name) else name, *shown])} |")
    return "\n".join(lines) + "\n"


def plain_table(cells: Cells) -> str:
    """For a terminal: cases down, contenders across would be too wide, so a block for each column."""
    width = max(len(row[0]) for row in cells)
    blocks = []
    for column in range(1, len(cells[0])):
        lines = [f"  {cells[0][column]}"]
        lines += [f"    {row[0]:{width}}  {row[column]}" for row in cells[1:] if row[column]]
        blocks.append("\n".join(lines))
    return "\n".join(blocks)


def _ours(name: str) -> bool:
    return name.startswith("onnxlens")

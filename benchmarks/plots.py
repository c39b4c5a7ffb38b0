"""Plots from the JSON of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.networks import NETWORKS
from benchmarks.tables import place as standing
from benchmarks.tables import title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw"]

OURS, OURS_TOO = "#c2185b", "#e991b4"
OTHERS = ("#1976d2", "#37474f", "#f9a825", "#2e7d32", "#8e24aa", "#00838f", "#6d4c41")
BARS = ("gradcam", "gradient")
AXES = {"batch": "images at once", "size": "height and width, pixels", "threads": "threads"}
TALLEST = 12.0


def draw(found: dict[str, Any], folder: Path) -> list[Path]:
    """Bars for the main tasks, lines for the sweeps; the PNG files that were written."""
    import matplotlib as mpl

    mpl.use("agg")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for suite in BARS:
        cases = [
            case
            for case in found["cases"]
            if case["suite"] == suite
            and case["batch"] == 1
            and not NETWORKS[case["network"]].make.startswith("spec:")
        ]
        if cases:
            written.append(_bars(cases, folder / f"{suite}.png"))
    for axis in AXES:
        cases = [case for case in found["cases"] if case["suite"] == f"sweep: {axis}"]
        if len(cases) > 1:
            written.append(_lines(cases, axis, folder / f"sweep-{axis}.png"))
    cases = [
        case for case in found["cases"] if case["suite"] == "build" and case["network"].startswith("chain-")
    ]
    if len(cases) > 1:
        written.append(_growth(cases, folder / "build.png"))
    return written


def _bars(cases: list[dict[str, Any]], path: Path) -> Path:
    from matplotlib.figure import Figure

    names = sorted(
        {row["name"] for case in cases for row in case["rows"] if "ratio" in row},
        key=lambda name: standing(cases[0]["task"], name),
    )
    names = [name for name in names if name != "onnxruntime"]
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    axes = figure.subplots()
    width, colours, shown_names = 0.82 / len(names), _colours(names), set[str]()
    for number, case in enumerate(cases):
        rows = {row["name"]: row for row in case["rows"] if "ratio" in row}
        here = [name for name in names if name in rows]
        for place, name in enumerate(here):
            left = number + (place - (len(here) - 1) / 2) * width
            low, middle, high = (min(each, TALLEST) for each in rows[name]["ratio"])
            label = name if name not in shown_names else None
            shown_names.add(name)
            axes.bar(left, middle, width * 0.9, color=colours[name], label=label)
            axes.plot([left, left], [low, high], color="black", linewidth=0.8)
            figures = rows[name]["ratio"][1]
            axes.annotate(f"{figures:.1f}" if figures < 10 else f"{figures:.0f}", (left, high), (0, 2),
                          textcoords="offset points", ha="center", fontsize=7)  # fmt: skip
    axes.axhline(1, color="black", linewidth=0.8, linestyle=":")
    axes.set_xticks(range(len(cases)), [title(case["network"]) for case in cases])
    axes.set_ylabel("times one plain forward pass")
    axes.set_ylim(0, min(TALLEST, axes.get_ylim()[1]) * 1.05)
    return _saved(figure, axes, path)


def _lines(cases: list[dict[str, Any]], axis: str, path: Path) -> Path:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes = figure.subplots()
    names = list(dict.fromkeys(row["name"] for case in cases for row in case["rows"] if "ratio" in row))
    colours = _colours(names)
    for name in names:
        points = [
            (case[axis], *row["ratio"])
            for case in cases
            for row in case["rows"]
            if row["name"] == name and "ratio" in row
        ]
        at, low, middle, high = (list(each) for each in zip(*sorted(points), strict=True))
        label = "onnxruntime, forward alone" if name == "onnxruntime" else name
        axes.plot(at, middle, marker="o", markersize=4, color=colours[name], label=label)
        axes.fill_between(at, low, high, color=colours[name], alpha=0.2, linewidth=0)
    values = sorted({case[axis] for case in cases})
    axes.set_xscale("log", base=2)
    axes.set_xticks(values, [str(value) for value in values])
    axes.minorticks_off()
    axes.set_xlabel(AXES[axis])
    axes.set_ylabel(f"{title(cases[0]['network'])}: times the forward pass")
    axes.set_ylim(bottom=0)
    return _saved(figure, axes, path)


def _growth(cases: list[dict[str, Any]], path: Path) -> Path:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes = figure.subplots()
    names = list(dict.fromkeys(row["name"] for case in cases for row in case["rows"] if "seconds" in row))
    base = min(row["seconds"][1] for case in cases for row in case["rows"] if "seconds" in row)
    colours = _colours(names)
    for name in names:
        points = sorted(
            (int(case["network"].partition("-")[2]), row["seconds"][1] / base)
            for case in cases
            for row in case["rows"]
            if row["name"] == name and "seconds" in row
        )
        at, times = zip(*points, strict=True)
        axes.plot(at, times, marker="o", markersize=4, color=colours[name], label=name)
        # what linear growth from the first point would be
        axes.plot(
            at, [times[0] * each / at[0] for each in at], color=colours[name], linewidth=0.8, linestyle=":"
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("nodes of the file (dotted: linear growth)")
    axes.set_ylabel("time, shortest = 1")
    return _saved(figure, axes, path)


def _colours(names: list[str]) -> dict[str, str]:
    others = iter(OTHERS)
    own = {"onnxlens": OURS, "onnxlens, fixed batch": OURS_TOO}
    return {name: own.get(name) or next(others) for name in names}


def _saved(figure: Any, axes: Axes, path: Path) -> Path:
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    figure.savefig(path, dpi=150, metadata={"Software": None})
    return path

"""An evaluation at a glance: bars with their intervals, and the curves that areas were taken of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from inspector.quality.controls import CONTROLS
from inspector.quality.evaluation import Evaluation
from inspector.render.colours import INK, MUTED
from inspector.render.tiles import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["evaluation_figure"]

ARROWS = {"higher": "higher is better →", "lower": "← lower is better", "neither": "neither is better"}
ACROSS = 5
# all in inches
WIDTH, BAR, HEAD, CURVES, TOP = 14.0, 0.19, 0.85, 2.6, 0.55
# curves of fewer points say no more than their mean
FEWEST = 4


def evaluation_figure(evaluation: Evaluation) -> Figure:
    """A panel of bars for each column, one bar per method with its 95 % interval, and a panel for each curve."""
    from matplotlib import colormaps

    columns = list(evaluation.columns)
    names = [
        name
        for name, (across, _) in next(iter(evaluation.curves.values()), {}).items()
        if len(across) >= FEWEST
    ]
    rows, below = math.ceil(len(columns) / ACROSS), math.ceil(len(names) / ACROSS)
    high = HEAD + BAR * len(evaluation.methods)
    height = TOP + rows * high + below * (CURVES + HEAD) + (0.3 if names else 0)
    figure = new_figure(WIDTH, height)
    things = "sample" if len(evaluation.samples) == 1 else "samples"
    title = f"{len(evaluation.methods)} methods, {len(evaluation.samples)} {things}: means, 95 % bootstrap intervals"
    figure.text(0.02, 1 - 0.2 / height, title, fontsize=11, fontweight="bold", color=INK, va="top")
    palette = colormaps["tab20"]
    colours = {
        name: MUTED if name in CONTROLS else palette(number % 20)
        for number, name in enumerate(evaluation.methods)
    }
    for number, column in enumerate(columns):
        bottom = height - TOP - (number // ACROSS + 1) * high + 0.3
        axes = figure.add_axes(_box(number % ACROSS, bottom, high - HEAD + 0.05, height, indent=1.35))
        _bars(axes, evaluation, column, colours, labels=number % ACROSS == 0)
    for number, name in enumerate(names):
        bottom = height - TOP - rows * high - (number // ACROSS + 1) * (CURVES + HEAD) + 0.55
        axes = figure.add_axes(_box(number % ACROSS, bottom, CURVES, height, indent=1.35))
        _curves(axes, evaluation, name, colours, legend=number == 0)
    return figure


def _box(
    place: int, bottom: float, high: float, height: float, indent: float
) -> tuple[float, float, float, float]:
    """(left, bottom, width, height) of a panel in fractions of the figure, from inches."""
    each = (WIDTH - indent - 0.15) / ACROSS
    return (indent + place * each) / WIDTH, bottom / height, (each - 0.3) / WIDTH, high / height


def _bars(axes: Any, evaluation: Evaluation, column: str, colours: dict[str, Any], labels: bool) -> None:
    places = np.arange(len(evaluation.methods))
    found = [evaluation.intervals[method][column] for method in evaluation.methods]
    means = np.array([each.mean for each in found])
    ends = np.array([[each.mean - each.low, each.high - each.mean] for each in found]).T
    axes.barh(
        places, np.nan_to_num(means), color=[colours[method] for method in evaluation.methods], height=0.75
    )
    axes.errorbar(
        means,
        places,
        xerr=np.clip(np.nan_to_num(ends), 0, None),
        fmt="none",
        ecolor=INK,
        elinewidth=0.9,
        capsize=2,
    )
    for place, mean in zip(places, means, strict=True):
        if math.isnan(mean):
            axes.text(0, place, " not defined", fontsize=6.5, color=MUTED, va="center")
    if not np.nan_to_num(means).any():
        axes.set_xlim(0, 1)
    axes.set_yticks(places, evaluation.methods if labels else [""] * len(places), fontsize=7.5)
    axes.invert_yaxis()
    axes.axvline(0, color=MUTED, linewidth=0.6)
    axes.locator_params(axis="x", nbins=5)
    axes.set_title(column, fontsize=9, color=INK, pad=13)
    axes.text(
        0.5, 1.015, ARROWS[evaluation.columns[column]], fontsize=7, color=MUTED, ha="center", va="bottom",
        transform=axes.transAxes,
    )  # fmt: skip
    _quiet(axes)


def _curves(axes: Any, evaluation: Evaluation, name: str, colours: dict[str, Any], legend: bool) -> None:
    for method in evaluation.methods:
        across, heights = evaluation.curves[method][name]
        style = {"random": ":", "centre": "--"}.get(method, "-")
        axes.plot(across, heights, style, color=colours[method], linewidth=1.3, label=method)
    axes.set_title(name, fontsize=9, color=INK, pad=4)
    share = evaluation.curves[evaluation.methods[0]][name][0].max() <= 1
    axes.set_xlabel("share of the places" if share else "layers drawn anew", fontsize=7.5, color=MUTED)
    if legend:
        axes.figure.legend(
            *axes.get_legend_handles_labels(), loc="lower center", ncols=min(7, len(evaluation.methods)), fontsize=7.5,
            frameon=False,
        )  # fmt: skip
    _quiet(axes)


def _quiet(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=7.5, colors=INK, length=2)

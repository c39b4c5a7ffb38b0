"""The figures of a run: learning curve, confusion matrices, F-score per class. Drawn without pyplot or a display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainers.atomic import replacing
from trainers.schedule import best_epoch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["confusion_figure", "draw_all", "learning_curve", "scores_figure"]

TITLED_CELLS = 12
"""Up to so many classes the cells of a confusion matrix carry their count."""


def draw_all(
    folder: Path, title: str, history: Sequence[Mapping[str, Any]], metrics: Mapping[str, Any]
) -> None:
    """Write every figure of a run as PNG: `learning-curve`, and `confusion-OUTPUT`, `scores-OUTPUT` for each output.

    Raises:
        OutputError: a file cannot be written.
    """
    figures = {"learning-curve": learning_curve(history, title)}
    for output, scores in metrics["heads"].items():
        figures[f"confusion-{output}"] = confusion_figure(scores, f"{title}, {output}")
        figures[f"scores-{output}"] = scores_figure(scores, f"{title}, {output}")
    for name, figure in figures.items():
        with replacing(folder / f"{name}.png") as partial:
            figure.savefig(partial, dpi=110)


def learning_curve(history: Sequence[Mapping[str, Any]], title: str) -> Figure:
    """Loss and accuracy per epoch, on the training images and on those held out; the best epoch is marked."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    epochs = [record["epoch"] for record in history]
    best = best_epoch(history)
    for axes, (key, label) in zip(
        figure.subplots(1, 2), (("loss", "loss (cross-entropy)"), ("accuracy", "accuracy")), strict=True
    ):
        axes.plot(epochs, [record[key] for record in history], "o-", label="training (during the epoch)")
        axes.plot(
            epochs, [record[f"val_{key}"] for record in history], "s-", label="held out (after the epoch)"
        )
        axes.axvline(best, color="grey", linestyle=":", label=f"best: epoch {best}")
        axes.set(xlabel="epoch", ylabel=label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    loss = figure.axes[0].yaxis
    figure.axes[0].set_yscale("log")
    # 0.5 and 2, not 5 x 10^-1 and 2 x 10^0
    loss.set_major_locator(LogLocator(subs=(1, 2, 5)))
    loss.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    loss.set_minor_formatter(NullFormatter())
    # below the axes, where no curve runs
    figure.legend(*figure.axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.suptitle(title)
    return figure


def confusion_figure(scores: Mapping[str, Any], title: str) -> Figure:
    """The confusion matrix, rows adding up to 1 in colour; mistakes stand out because the scale is of the square root.

    Many classes are drawn large enough for every name to be read; each mistake carries its count.
    """
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure

    counts = np.asarray(scores["confusion"])
    labels = scores["labels"]
    side = max(4.0, 0.19 * len(labels) + 3)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    picture = axes.imshow(shares, cmap="viridis", norm=PowerNorm(0.5, vmin=0, vmax=1))
    many = len(labels) > TITLED_CELLS
    ticks = np.arange(len(labels))
    axes.set_xticks(ticks, labels, rotation=90, fontsize=7 if many else 9)
    axes.set_yticks(ticks, labels, fontsize=7 if many else 9)
    for row, column in np.argwhere(counts > 0):
        if not many or row != column:
            dark = shares[row, column] < 0.4
            axes.text(
                column, row, str(counts[row, column]), ha="center", va="center",
                fontsize=5 if many else 8, color="white" if dark else "black",
            )  # fmt: skip
    axes.set(xlabel="predicted", ylabel="true", title=f"{title}: accuracy {scores['accuracy']:.2%}")
    figure.colorbar(picture, ax=axes, label="share of the true class", shrink=0.8)
    return figure


def scores_figure(scores: Mapping[str, Any], title: str) -> Figure:
    """The F-score of every class as a bar, with precision and recall as marks."""
    from matplotlib.figure import Figure

    labels = scores["labels"]
    rows = np.arange(len(labels))
    figure = Figure(figsize=(7, max(2.5, 0.17 * len(labels) + 1.6)), layout="constrained")
    axes = figure.subplots()
    axes.barh(rows, scores["f_score"], height=0.7, color="#3b528b", label="F-score")
    axes.plot(scores["precision"], rows, "|", color="#5ec962", markersize=7, label="precision")
    axes.plot(
        scores["recall"], rows, ".", color="#fde725", markersize=5, label="recall", markeredgecolor="black"
    )
    many = len(labels) > TITLED_CELLS
    names = [f"{label} ({count})" for label, count in zip(labels, scores["support"], strict=True)]
    axes.set_yticks(rows, names, fontsize=7 if many else 9)
    axes.invert_yaxis()
    lowest = min(min(scores[key]) for key in ("f_score", "precision", "recall"))
    # the bars start where the differences are, and the axis says so
    start = max(0.0, np.floor(lowest * 20) / 20 - 0.05)
    axes.set_xlim(start, 1.005)
    axes.set(
        xlabel="score" if start == 0 else f"score (from {start:.2f} on)",
        ylabel="class (test images)",
        title=title,
    )
    axes.margins(y=0.01)
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=3)
    return figure

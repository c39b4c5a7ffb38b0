"""The figures show the numbers they are given, with every class named."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import numpy as np
import pytest

from trainers.figures import confusion_figure, draw_all, learning_curve, scores_figure

HISTORY = [
    {"epoch": 1, "loss": 2.0, "val_loss": 1.5, "accuracy": 0.4, "val_accuracy": 0.6},
    {"epoch": 2, "loss": 1.0, "val_loss": 1.2, "accuracy": 0.7, "val_accuracy": 0.8},
    {"epoch": 3, "loss": 0.5, "val_loss": 1.3, "accuracy": 0.9, "val_accuracy": 0.7},
]


def scores(classes: int) -> dict[str, object]:
    rows = np.full((classes, classes), 0) + np.diag(np.arange(classes) + 5)
    rows[0, 1] = 3
    values = np.linspace(0.9, 1, classes).tolist()
    return {
        "accuracy": 0.97, "labels": [f"class {i}" for i in range(classes)], "precision": values, "recall": values,
        "f_score": values, "support": rows.sum(axis=1).tolist(), "confusion": rows.tolist(),
    }  # fmt: skip


def test_the_learning_curve_draws_loss_and_accuracy_of_both_parts() -> None:
    figure = learning_curve(HISTORY, "a model")
    loss, accuracy = figure.axes
    assert [list(line.get_ydata()) for line in loss.lines[:2]] == [[2.0, 1.0, 0.5], [1.5, 1.2, 1.3]]
    assert [list(line.get_ydata()) for line in accuracy.lines[:2]] == [[0.4, 0.7, 0.9], [0.6, 0.8, 0.7]]
    assert list(accuracy.lines[2].get_xdata()) == [2, 2]  # the best epoch
    assert all(axes.get_xlabel() == "epoch" and axes.get_ylabel() for axes in figure.axes)
    figure.draw_without_rendering()
    low, high = loss.get_ylim()
    ticks = zip(loss.get_yticks(), (label.get_text() for label in loss.get_yticklabels()), strict=True)
    assert [label for value, label in ticks if low <= value <= high] == ["0.5", "1", "2"]
    # the legend covers no curve
    legend = figure.legends[0].get_window_extent()
    assert not any(legend.overlaps(axes.get_window_extent()) for axes in figure.axes)


@pytest.mark.parametrize("classes", [2, 12, 96])
def test_the_confusion_matrix_names_every_class_and_counts_every_mistake(classes: int) -> None:
    figure = confusion_figure(scores(classes), "a model")
    axes = figure.axes[0]
    names = [f"class {i}" for i in range(classes)]
    assert [label.get_text() for label in axes.get_xticklabels()] == names
    assert [label.get_text() for label in axes.get_yticklabels()] == names
    assert "3" in {text.get_text() for text in axes.texts if text.get_position() == (1, 0)}
    figure.draw_without_rendering()
    # no name of the 96 lies on the next one
    heights = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert all(abs(a.y0 - b.y0) >= a.height * 0.8 for a, b in itertools.pairwise(heights))


@pytest.mark.parametrize("classes", [2, 96])
def test_the_scores_are_bars_of_the_f_score(classes: int) -> None:
    figure = scores_figure(scores(classes), "a model")
    axes = figure.axes[0]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx(np.linspace(0.9, 1, classes))
    assert axes.get_yticklabels()[0].get_text() == "class 0 (8)"
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=40)
    assert buffer.getvalue().startswith(b"\x89PNG")


def test_all_figures_of_a_run_are_written_as_png(tmp_path: Path) -> None:
    draw_all(tmp_path, "a model", HISTORY, {"heads": {"length": scores(2), "angle": scores(3)}})
    names = ["confusion-angle", "confusion-length", "learning-curve", "scores-angle", "scores-length"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name}.png" for name in names]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.iterdir())

"""A run's training and test figures, arranged for the page: curves, scores per class, confusions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from inspector.report.charts import learning_curves
from inspector.report.content import Group, columns
from inspector.report.runs import Run
from inspector.report.tiles import Figure, heat_picture

__all__ = ["ClassScore", "HeadScores", "TrainingColumn", "training_columns"]

LARGEST_TABLE = 12  # classes; a larger confusion matrix is a picture
MOST_CONFUSIONS = 10


@dataclass(frozen=True)
class ClassScore:
    name: str
    precision: float
    recall: float
    f_score: float
    support: int
    distinct: int | None


@dataclass(frozen=True)
class Confusion:
    actual: str
    predicted: str
    count: int


@dataclass(frozen=True)
class HeadScores:
    """One output on the test images: ``table`` is its confusion matrix where it is small, else ``picture``."""

    name: str
    accuracy: float
    classes: list[ClassScore]
    labels: list[str]
    table: list[list[int]] | None
    picture: Figure | None
    confusions: list[Confusion]
    macro_f_score: float


@dataclass(frozen=True)
class TrainingColumn:
    column: str
    run: Run
    curves: str
    heads: list[HeadScores]
    facts: list[tuple[str, str]]


def training_columns(group: Group) -> list[TrainingColumn]:
    return [
        TrainingColumn(
            column=column,
            run=study.run,
            curves=learning_curves(study.run.history),
            heads=[head_scores(name, head, study.run) for name, head in study.run.metrics["heads"].items()],
            facts=facts(study.run),
        )
        for column, study in zip(columns(group), group.studies, strict=True)
    ]


def facts(run: Run) -> list[tuple[str, str]]:
    """What is worth a line each, in words."""
    metrics, dataset = run.metrics, run.info["dataset"]
    several = len(metrics["heads"]) > 1
    rows = [("Accuracy" + (" (all heads right)" if several else ""), f"{metrics['accuracy']:.2%}")]
    if several:
        rows += [
            (f"Accuracy of {name}", f"{head['accuracy']:.2%}") for name, head in metrics["heads"].items()
        ]
    if (without := metrics.get("accuracy_without_twins")) is not None:
        rows.append(("Accuracy on test images without a twin in training", f"{without:.2%}"))
    if (count := metrics.get("test_images")) is not None:
        rows.append(("Test images", f"{count:,}"))
    if distinct := distinct_per_class(run):
        rows.append(
            (
                "Distinct images per class",
                f"{min(distinct):,} to {max(distinct):,} (median {np.median(distinct):,.0f})",
            )
        )
    for key, words in (("images_per_class", "Images per class"), ("limit", "Training images at most")):
        if dataset.get(key) is not None:
            rows.append((words, f"{dataset[key]:,}"))
    rows += [("Epochs", str(run.info["epochs"])), ("Seed", str(run.info["seed"]))]
    if run.info.get("variant"):
        rows.append(("Variant", str(run.info["variant"])))
    if run.history and all("seconds" in epoch for epoch in run.history):
        rows.append(("Training time", f"{sum(epoch['seconds'] for epoch in run.history):,.0f} s"))
    return rows


def distinct_per_class(run: Run) -> list[int]:
    """How many different images each class of the data set has; empty where that is not known."""
    details = run.info["dataset"].get("details") or {}
    return list(run.metrics.get("distinct_per_class") or details.get("distinct_per_class") or [])


def head_scores(name: str, head: Mapping[str, Any], run: Run) -> HeadScores:
    labels = [str(label) for label in head["labels"]]
    confusion = np.asarray(head["confusion"], np.int64)
    distinct = distinct_per_class(run)
    per_class = distinct if len(distinct) == len(labels) else [None] * len(labels)
    scores = zip(
        labels, head["precision"], head["recall"], head["f_score"], head["support"], per_class, strict=True
    )
    small = len(labels) <= LARGEST_TABLE
    return HeadScores(
        name=name,
        accuracy=float(head["accuracy"]),
        classes=[
            ClassScore(label, float(p), float(r), float(f), int(support), own)
            for label, p, r, f, support, own in scores
        ],
        labels=labels,
        table=confusion.tolist() if small else None,
        picture=None if small else _confusion_picture(name, confusion, run),
        confusions=_confusions(labels, confusion),
        macro_f_score=float(np.mean(head["f_score"])),
    )


def _confusions(labels: list[str], confusion: np.ndarray[Any, Any]) -> list[Confusion]:
    """The most frequent mistakes."""
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_CONFUSIONS]
    cells = [np.unravel_index(place, wrong.shape) for place in order]
    return [
        Confusion(labels[row], labels[column], int(wrong[row, column]))
        for row, column in cells
        if wrong[row, column]
    ]


def _confusion_picture(name: str, confusion: np.ndarray[Any, Any], run: Run) -> Figure:
    """Rows of actual classes, each divided by its number of images; the square root lifts rare mistakes into sight."""
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    size = max(1, round(320 / len(share)))
    large = np.kron(np.sqrt(share), np.ones((size, size)))
    diagonal = float(np.trace(confusion) / max(confusion.sum(), 1))
    alt = (
        f"Confusion matrix of {name}, {run.title}, {run.framework_title}: {len(share)} actual classes (rows) by "
        f"predicted (columns); {diagonal:.1%} of the images lie on the diagonal"
    )
    return heat_picture(large, alt, longest=max(large.shape))

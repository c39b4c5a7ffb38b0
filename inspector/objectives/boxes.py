"""The boxes that a detector returns, in the forms that detectors have for them, and the best-scoring one among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inspector.errors import TargetError
from inspector.objectives.heads import Head
from inspector.objectives.target import AnyTarget, Target

__all__ = [
    "NONE",
    "Boxes",
    "Picked",
    "Values",
    "best_row",
    "best_score",
    "best_score_of_levels",
    "best_whole",
    "joint_scores",
    "weighted_pair",
]

Values: TypeAlias = Callable[[str], NDArray[Any]]
# a target, and what it is in words
Picked: TypeAlias = "tuple[AnyTarget, str]"

NONE = "the model finds no box in this input: name a target such as 'OUTPUT[0, 4]'"


@dataclass(frozen=True)
class Boxes:
    """Rows (box, score...) of one output.

    Attributes:
        head: of the output.
        boxes_first: whether a row is a box; else a column is.
        objectness: whether the fifth number says that there is an object, and the class scores follow it.
        labels: of the classes, where the file names them.
    """

    head: Head
    boxes_first: bool
    objectness: bool
    labels: tuple[str, ...] = ()


def best_row(boxes: Boxes, values: Values, sample: int) -> Picked:
    """YOLO (Jocher et al., v5 and v8; Ge et al., YOLOX): the box whose class score (times objectness) is largest."""
    rows = values(boxes.head.name)[sample]
    rows = rows if boxes.boxes_first else rows.T
    if not len(rows):
        raise TargetError(NONE)
    if _ends_with_classes(rows):
        box = int(rows[:, 4].argmax())
        return _element(
            boxes, rows, [4], box
        ), f"{boxes.head.name}: box {box}, {_name(boxes, int(rows[box, 5]))}"
    first = 5 if boxes.objectness else 4
    scores = joint_scores(rows[:, 4:5], rows[:, first:]) if boxes.objectness else rows[:, first:]
    best, number = (int(one) for one in np.unravel_index(int(scores.argmax()), scores.shape))
    columns = [4, first + number] if boxes.objectness else [first + number]
    return _element(boxes, rows, columns, best), f"{boxes.head.name}: box {best}, {_name(boxes, number)}"


def joint_scores(objectness: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.float64]:
    """Objectness times class scores; of logits, which are no numbers from 0 to 1, that of their sigmoids, logarithm."""
    objectness, classes = objectness.astype(np.float64), classes.astype(np.float64)
    if _are_probabilities(objectness) and _are_probabilities(classes):
        return np.asarray(objectness * classes)
    return np.asarray(-np.logaddexp(0, -objectness) - np.logaddexp(0, -classes))


def weighted_pair(output: str, places: Sequence[tuple[int, ...]], scores: Sequence[float]) -> AnyTarget:
    """Objectness and class score of one box, summed.

    Of probabilities each is weighted by the other one's value, as in the derivative of their product, and by the
    larger value's inverse: the sum's gradient is the product's, up to a factor. Logits are added as they are.
    """
    objectness, number = scores
    weights = (1.0, 1.0)
    if _are_probabilities(np.array(scores)) and max(scores) > 0:
        weights = (number / max(scores), objectness / max(scores))
    first, second = (
        weight * Target(output, index=place) for weight, place in zip(weights, places, strict=True)
    )
    return first + second


def _are_probabilities(values: NDArray[Any]) -> bool:
    return bool(((values >= 0) & (values <= 1)).all())


def _ends_with_classes(rows: NDArray[Any]) -> bool:
    """Rows (x, y, x, y, score, class), as models that end with their own selection return them."""
    if rows.shape[1] != 6 or len(rows) < 2:
        return False
    scores, numbers = rows[:, 4], rows[:, 5]
    return bool((numbers == np.rint(numbers)).all() and (np.diff(scores) <= 0).all() and 0 <= scores[0] <= 1)


def _element(boxes: Boxes, rows: NDArray[Any], columns: Sequence[int], box: int) -> AnyTarget:
    places = [(box, column) if boxes.boxes_first else (column, box) for column in columns]
    if len(places) == 1:
        return Target(boxes.head.name, index=places[0])
    return weighted_pair(boxes.head.name, places, [float(rows[box, column]) for column in columns])


def best_score(head: Head, values: Values, sample: int) -> Picked:
    """Class scores of each box, (boxes, classes) or (boxes,), beside an output of boxes: SSD, DETR, RT-DETR.

    Where the first or the last class wins in more than half of the boxes, it is the one of no object (Carion et al.,
    DETR, 2020; Liu et al., SSD, 2016): the other classes' shares of the softmax decide.
    """
    scores = np.asarray(values(head.tensor)[sample], dtype=np.float64)
    if not scores.size:
        raise TargetError(NONE)
    if scores.ndim == 1:
        box = int(scores.argmax())
        return Target(head.name, index=box), f"{head.name}: box {box}"
    nothing = _no_object(scores)
    if nothing is not None:
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        scores /= scores.sum(axis=1, keepdims=True)
        scores[:, nothing] = -1
    box, number = (int(one) for one in np.unravel_index(int(scores.argmax()), scores.shape))
    return Target(
        head.name, index=(box, number)
    ), f"{head.name}: box {box}, {head.label(number) or f'class {number}'}"


def _no_object(scores: NDArray[np.float64]) -> int | None:
    boxes, classes = scores.shape
    if classes < 2 or boxes < 10:
        return None
    winners = scores.argmax(axis=1)
    return next((number for number in (classes - 1, 0) if np.mean(winners == number) > 0.5), None)


def best_score_of_levels(heads: Sequence[Head], labels: Sequence[str], values: Values, sample: int) -> Picked:
    """One output of class scores (boxes, classes) per level: RetinaNet, FCOS, NanoDet, PicoDet."""
    tops = [values(head.tensor)[sample] for head in heads]
    level = int(np.argmax([top.max() if top.size else -np.inf for top in tops]))
    head, top = heads[level], tops[level]
    box, number = (int(one) for one in np.unravel_index(int(top.argmax()), top.shape))
    label = labels[number] if number < len(labels) else f"class {number}"
    return Target(head.name, index=(box, number)), f"{head.name}: box {box}, {label}"


def best_whole(head: Head, values: Values, sample: int) -> Picked:
    """Scores (boxes,) of all boxes found, without a batch axis: models that end with non-maximum suppression."""
    scores = values(head.name)
    if not scores.size:
        raise TargetError(NONE)
    box = int(scores.argmax())
    return Target(head.name, index=box, batched=False), f"{head.name}: box {box}"


def _name(boxes: Boxes, number: int) -> str:
    return boxes.labels[number] if 0 <= number < len(boxes.labels) else f"class {number}"

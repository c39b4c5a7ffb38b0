"""The boxes that a detector returns, in the forms that detectors have for them, with their scores of each class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inspector.errors import TargetError
from inspector.objectives.classes import number_of
from inspector.objectives.heads import Head
from inspector.objectives.target import AnyTarget, Target

__all__ = [
    "NONE",
    "Boxes",
    "Candidates",
    "Picked",
    "Values",
    "beside_boxes",
    "best_box",
    "in_levels",
    "in_rows",
    "joint_scores",
    "label_of",
    "selected",
    "weighted_pair",
]

Values: TypeAlias = Callable[[str], NDArray[Any]]
# a target, and what it is in words
Picked: TypeAlias = "tuple[AnyTarget, str]"

NONE = "the model finds no box in this input: name a target such as 'OUTPUT[0, 4]'"


@dataclass(frozen=True)
class Candidates:
    """The boxes of one sample.

    Attributes:
        output: where they are.
        scores: (boxes, classes), the larger the better; minus infinity where a box cannot be of a class.
        picked: of (box, class): the elements that say so, and in words.
        labels: of the classes, where they are named; None: boxes come without classes.
    """

    output: str
    scores: NDArray[Any]
    picked: Callable[[int, int], Picked]
    labels: Sequence[str] | None = ()

    def class_number(self, label: str | int) -> int:
        """TargetError where there is no such class."""
        if self.labels is None:
            raise TargetError(
                f"the boxes of '{self.output}' come without classes: ask for one by number, box(0)"
            )
        return number_of(label, self.labels, self.scores.shape[1], self.output)


def best_box(candidates: Candidates, box: int | None = None, number: int | None = None) -> Picked:
    """The best-scoring box; of a class `number`; or of the box numbered `box` its best class, or that one.

    Raises:
        TargetError: there is no box, or no such one.
    """
    scores = np.array(candidates.scores, dtype=np.float64)
    if not scores.size:
        raise TargetError(NONE)
    if box is not None:
        if not 0 <= box < len(scores):
            raise TargetError(
                f"box {box} is out of range: '{candidates.output}' has {len(scores)}, 0 to {len(scores) - 1}"
            )
        scores[np.arange(len(scores)) != box] = -np.inf
    if number is not None:
        scores[:, np.arange(scores.shape[1]) != number] = -np.inf
    best, chosen = (int(one) for one in np.unravel_index(int(scores.argmax()), scores.shape))
    if scores[best, chosen] == -np.inf:
        of = "" if number is None else f" of {label_of(candidates.labels or (), number)}"
        raise TargetError(
            f"'{candidates.output}' has no {'box' if box is None else f'box {box}'}{of} in this input"
        )
    return candidates.picked(best, chosen)


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


def in_rows(boxes: Boxes, values: Values, sample: int) -> Candidates:
    """YOLO (Jocher et al., v5 and v8; Ge et al., YOLOX): class scores (times objectness) in each row or column."""
    rows = values(boxes.head.name)[sample]
    rows = rows if boxes.boxes_first else rows.T
    if _ends_with_classes(rows):
        return _of_one_class_each(boxes, rows)
    first = 5 if boxes.objectness else 4
    scores = joint_scores(rows[:, 4:5], rows[:, first:]) if boxes.objectness else rows[:, first:]

    def picked(box: int, number: int) -> Picked:
        columns = [4, first + number] if boxes.objectness else [first + number]
        return _element(boxes, rows, columns, box), _words(boxes.head, box, boxes.labels, number)

    return Candidates(boxes.head.name, scores, picked, boxes.labels)


def _of_one_class_each(boxes: Boxes, rows: NDArray[Any]) -> Candidates:
    numbers = rows[:, 5].astype(int)
    scores = np.full((len(rows), max(len(boxes.labels), int(numbers.max()) + 1)), -np.inf)
    scores[np.arange(len(rows)), numbers] = rows[:, 4]

    def picked(box: int, number: int) -> Picked:
        return _element(boxes, rows, [4], box), _words(boxes.head, box, boxes.labels, number)

    return Candidates(boxes.head.name, scores, picked, boxes.labels)


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


def beside_boxes(head: Head, values: Values, sample: int) -> Candidates:
    """Class scores of each box, (boxes, classes) or (boxes,), beside an output of boxes: SSD, DETR, RT-DETR.

    Where the first or the last class wins in more than half of the boxes, it is the one of no object (Carion et al.,
    DETR, 2020; Liu et al., SSD, 2016): the other classes' shares of the softmax decide.
    """
    scores = np.asarray(values(head.tensor)[sample], dtype=np.float64)
    if scores.ndim == 1:
        return _without_classes(head, scores, batched=True)
    nothing = _no_object(scores)
    if nothing is not None:
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        scores /= scores.sum(axis=1, keepdims=True)
        scores[:, nothing] = -np.inf

    def picked(box: int, number: int) -> Picked:
        return Target(head.name, index=(box, number)), _words(head, box, head.labels, number)

    return Candidates(head.name, scores, picked, head.labels)


def _no_object(scores: NDArray[np.float64]) -> int | None:
    boxes, classes = scores.shape
    if classes < 2 or boxes < 10:
        return None
    winners = scores.argmax(axis=1)
    return next((number for number in (classes - 1, 0) if np.mean(winners == number) > 0.5), None)


def in_levels(heads: Sequence[Head], labels: Sequence[str], values: Values, sample: int) -> Candidates:
    """One output of class scores (boxes, classes) per level: RetinaNet, FCOS, NanoDet, PicoDet. Boxes are counted on
    from level to level.
    """
    tops = [values(head.tensor)[sample] for head in heads]
    ends = np.cumsum([len(top) for top in tops])

    def picked(box: int, number: int) -> Picked:
        level = int(np.searchsorted(ends, box, side="right"))
        place = box - int(ends[level]) + len(tops[level])
        return Target(heads[level].name, index=(place, number)), _words(heads[level], place, labels, number)

    return Candidates(" + ".join(head.name for head in heads), np.concatenate(tops), picked, labels)


def selected(head: Head, values: Values, sample: int) -> Candidates:
    """Scores (boxes,) of all boxes found, without a batch axis: models that end with non-maximum suppression."""
    return _without_classes(head, values(head.name), batched=False)


def _without_classes(head: Head, scores: NDArray[Any], batched: bool) -> Candidates:
    def picked(box: int, number: int) -> Picked:
        return Target(head.name, index=box, batched=batched), f"{head.name}: box {box}"

    return Candidates(head.name, scores.reshape(-1, 1), picked, None)


def _words(head: Head, box: int, labels: Sequence[str], number: int) -> str:
    return f"{head.name}: box {box}, {label_of(labels, number)}"


def label_of(labels: Sequence[str], number: int) -> str:
    """A class's name; of one without, its number."""
    return labels[number] if 0 <= number < len(labels) else f"class {number}"

"""What is explained where no target is named."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np

from inspector.errors import TargetError
from inspector.model import Dim, Model
from inspector.objectives.backward import ends_with_weights, last_activation, last_concats, last_scores
from inspector.objectives.batchless import predicted_places
from inspector.objectives.boxes import (
    Boxes,
    Candidates,
    Picked,
    Values,
    beside_boxes,
    best_box,
    in_levels,
    in_rows,
    selected,
)
from inspector.objectives.grids import find_grids, in_cells
from inspector.objectives.heads import Head, default_head, is_extent, is_float, tells_scores
from inspector.objectives.target import Target

__all__ = ["Default", "find_default", "most_predicted"]

SCORES = re.compile(r"logit|prob|score|conf|class|cls|label", re.IGNORECASE)
# of boxes among outputs; more columns than these are classes
BOX, BEST = 4, 5
Pick: TypeAlias = "Callable[[Values, int], Picked]"


@dataclass(frozen=True)
class Default:
    """The target that stands in for none.

    Attributes:
        kind: what the model was taken for.
        tensors: that its score is made of.
        pick: the target of a sample; None: its own top class, which the graph itself finds.
        boxes: of a detector, those of a sample.
    """

    kind: str
    tensors: tuple[str, ...]
    pick: Pick | None = None
    boxes: Callable[[Values, int], Candidates] | None = None


def find_default(heads: Mapping[str, Head], model: Model) -> Default:
    """Of a detector the best-scoring box, of class scores the top class, of a map the class that most places predict,
    of a mask the places predicted, of a sequence each position's own top class.

    Raises:
        TargetError: none of these is clear; lists the outputs.
    """
    beside = model.metadata.beside_answers
    floats = [head for head in heads.values() if head.name not in beside and is_float(head)]
    if not floats:
        raise TargetError(f"no output holds floating-point numbers: {_integers(heads, model)}")
    if not any(head.labels or head.name in model.metadata.outputs for head in floats):
        for find in (_boxes_and_scores, _levels, _rows, _grids):
            found = find(floats, model)
            if found is not None:
                return found
    try:
        head = default_head(heads, model)
    except TargetError:
        found = _mask(floats, model) or _sequence(floats, model)
        if found is None:
            raise
        return found
    if head.binary or head.one_score_per_class:
        return Default("class scores", (head.tensor,))
    if not tells_scores(head):
        # a map beside a mask is features, one beside scores of a sequence a state that the next run goes on from
        scores = [other for other in floats if tells_scores(other)]
        found = _mask(scores, model) or _sequence(scores, model)
        if found is not None:
            return found
    return Default("class scores of every place", (head.tensor,), partial(_all_of_one_class, head))


def _integers(heads: Mapping[str, Head], model: Model) -> str:
    """What to name in place of outputs of integers."""
    for head in heads.values():
        source = last_scores(model, head.name)
        if source:
            return f"'{head.name}' {head.dtype} is picked from '{source}': name an element of it, such as '{source}[0]'"
    listed = ", ".join(f"'{head.name}' {head.dtype}" for head in heads.values())
    return (
        f"the outputs are {listed or 'none'}; name a floating-point tensor of the graph, such as 'TENSOR[0]'"
    )


def _detector(tensors: tuple[str, ...], boxes: Callable[[Values, int], Candidates]) -> Default:
    """A detector, whose best-scoring box is explained."""
    return Default("a detector", tensors, lambda values, sample: best_box(boxes(values, sample)), boxes)


def _boxes_and_scores(heads: Sequence[Head], model: Model) -> Default | None:
    """Boxes (..., 4) in one output and their scores in another."""
    if not _takes_picture(model):
        return None
    boxes = [head for head in heads if head.shape and len(head.shape) in (2, 3) and head.shape[-1] == BOX]
    for box in boxes:
        shape = list(box.shape or ())
        count = shape[-2]
        others = [head for head in heads if head is not box and head.shape is not None]
        others.sort(key=lambda head: SCORES.search(head.name) is None)
        for head in others:
            given = list(head.shape or ())
            if len(shape) == 2 and len(given) == 1 and _same(given[0], count):
                return _detector((head.name,), partial(selected, head))
            named = SCORES.search(head.name) is not None or last_activation(model, head.name)
            if (
                len(shape) == 3
                and len(given) in (2, 3)
                and _same(given[1], count)
                and (named or len(given) == 3)
            ):
                return _detector((head.tensor,), partial(beside_boxes, head))
    return None


def _levels(heads: Sequence[Head], model: Model) -> Default | None:
    """Several outputs (batch, boxes, classes) that differ in the number of boxes alone."""
    groups: dict[Dim, list[Head]] = {}
    for head in heads:
        if head.shape is not None and len(head.shape) == 3 and isinstance(head.shape[2], int):
            groups.setdefault(head.shape[2], []).append(head)
    several = [
        group
        for size, group in groups.items()
        if size != BOX and len(group) > 1 and len({head.shape for head in group}) == len(group)
    ]
    several.sort(
        key=lambda group: (
            not all(last_activation(model, head.name) for head in group),
            not all(SCORES.search(head.name) for head in group),
        )
    )
    if not several or not _takes_picture(model):
        return None
    group = several[0]
    labels = _labels(model)
    return _detector(tuple(head.tensor for head in group), partial(in_levels, group, labels))


def _rows(heads: Sequence[Head], model: Model) -> Default | None:
    """One output that holds a box and its scores in each row, or in each column."""
    for head in heads:
        shape = head.shape
        if shape is None or len(shape) != 3 or not _takes_picture(model):
            continue
        # the rows of several levels, or boxes and scores, were put together after the last weights
        if not last_concats(model, head.name):
            continue
        boxes_first = _fewer(shape[2], shape[1])
        numbers = shape[2] if boxes_first else shape[1]
        if not isinstance(numbers, int) or numbers < BEST:
            continue
        labels = _labels(model)
        # a row of v5 or YOLOX holds objectness, a column of v8 and later does not; the file's class names decide
        objectness = len(labels) != numbers - BOX if labels else boxes_first
        boxes = Boxes(head, boxes_first, objectness and numbers > BEST, labels)
        return _detector((head.name,), partial(in_rows, boxes))
    return None


def _grids(heads: Sequence[Head], model: Model) -> Default | None:
    """Levels of cells with anchors, as the last convolutions of YOLO leave them."""
    labels = _labels(model)
    grids = find_grids(heads, model, len(labels)) if _takes_picture(model) else []
    if not grids:
        return None
    tensors = tuple(grid.head.tensor for grid in grids)
    return _detector(tensors, partial(in_cells, grids, labels))


def _mask(heads: Sequence[Head], model: Model) -> Default | None:
    """One value for every place: (batch, 1, height, width) or (batch, height, width) of a picture, (batch, 1, length)
    or (batch, length) of a signal.
    """
    for head in heads:
        shape = head.shape
        if shape is None:
            continue
        channel = next((axis for axis in (1, len(shape) - 1) if len(shape) > 1 and shape[axis] == 1), None)
        sides = shape[1:] if channel is None else shape[1:channel] + shape[channel + 1 :]
        one_channel = len(shape) == 4 and channel is not None
        if 1 not in sides and (one_channel or is_extent(sides, model)):
            return Default("a mask", (head.tensor,), partial(_foreground, head))
    return None


def _sequence(heads: Sequence[Head], model: Model) -> Default | None:
    """Class scores at each position, (batch, positions, classes): text recognition, tagging."""
    for head in heads:
        shape = head.shape
        if shape is None or len(shape) != 3 or not isinstance(shape[2], int) or shape[2] < 2:
            continue
        if last_activation(model, head.name) or ends_with_weights(model, head.name):
            return Default("class scores at each position", (head.tensor,), partial(_own_classes, head))
    return None


def most_predicted(head: Head, values: Values, sample: int) -> int:
    """The class that most places of a map predict."""
    maps = np.moveaxis(values(head.tensor), head.batch_axis, 0)
    winners = maps[sample].argmax(axis=head.sample_class_axis)
    return int(np.bincount(winners.ravel()).argmax())


def _all_of_one_class(head: Head, values: Values, sample: int) -> Picked:
    number = most_predicted(head, values, sample)
    return Target(head.name, label=number), f"{head.name}={head.label(number) or number}"


def _foreground(head: Head, values: Values, sample: int) -> Picked:
    places = np.moveaxis(values(head.tensor), head.batch_axis, 0)[sample]
    index = predicted_places(head, places)
    return Target(head.name, index=index), f"{head.name}: the {len(index[0])} places of the mask"


def _own_classes(head: Head, values: Values, sample: int) -> Picked:
    scores = np.moveaxis(values(head.tensor), head.batch_axis, 0)[sample]
    index = (list(range(len(scores))), scores.argmax(axis=1).tolist())
    return Target(head.name, index=index), f"{head.name}: each position's own class"


def _labels(model: Model) -> tuple[str, ...]:
    """Class names that exporters of detectors leave in the file: `names` (Ultralytics), `character` (Paddle)."""
    said = {entry.key: entry.value for entry in model.proto.metadata_props}
    if "character" in said:
        return tuple(said["character"].splitlines())
    try:
        names = ast.literal_eval(said.get("names", ""))
    except (ValueError, SyntaxError):
        return ()
    return tuple(map(str, names.values() if isinstance(names, dict) else names))


def _takes_picture(model: Model) -> bool:
    return any(len(tensor.shape or ()) == 4 for tensor in model.inputs)


def _same(one: Dim, other: Dim) -> bool:
    return one == other or not (isinstance(one, int) and isinstance(other, int))


def _fewer(one: Dim, other: Dim) -> bool:
    """Whether `one` is smaller; a size that is known is smaller than one that the picture decides."""
    if isinstance(one, int) and isinstance(other, int):
        return one < other
    return isinstance(one, int)

"""Raw heads of YOLO: a grid of cells per level, each with its anchors' boxes, objectness and class scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.model import Dim, Model
from inspector.objectives.backward import ends_with_weights, last_concats
from inspector.objectives.boxes import Candidates, Picked, Values, joint_scores, label_of, weighted_pair
from inspector.objectives.heads import Head

__all__ = ["Grid", "find_grids", "in_cells"]

# four numbers of a box and its objectness
BEFORE_CLASSES = 5
# of each cell, since YOLOv3
ANCHORS = 3
# YOLOv2 has one level, of five anchors: its channels with the classes of Pascal VOC, and with those of COCO
ONE_LEVEL, ONE_LEVEL_ANCHORS = (125, 425), 5
# of the levels, from a cell's pixels: of two, of three and of four levels
STRIDES = ((16, 32), (8, 16, 32), (8, 16, 32, 64))


@dataclass(frozen=True)
class Grid:
    """One level.

    Attributes:
        head: of the output.
        axis: of one sample, which holds the numbers of a box: of `anchors` boxes, one after the other.
        anchors: in `axis`; 1 where they have an axis of their own.
    """

    head: Head
    axis: int
    anchors: int

    def boxes(self, sample: NDArray[Any]) -> NDArray[Any]:
        """(cells, anchors, numbers) of one sample's values."""
        last = np.moveaxis(sample, self.axis, -1)
        return last.reshape(-1, self.anchors, last.shape[-1] // self.anchors)


def find_grids(heads: Sequence[Head], model: Model, classes: int) -> list[Grid]:
    """The levels among a model's outputs; empty where the geometry is not clearly that of YOLO.

    (batch, anchors, height, width, 5 + classes) in any order of the last four axes but with the numbers last or after
    the anchors, and (batch, 3 * (5 + classes), height, width) or the channels last, the weights' own product, in
    levels of 8, 16, 32 (and 64) pixels: YOLOv3 (Redmon and Farhadi, 2018), v4, v5 and v7; one level of YOLOv2.

    Args:
        heads: the outputs of floating-point numbers.
        model: that takes a picture.
        classes: how many the file names; 0: none.
    """
    numbers = BEFORE_CLASSES + classes if classes else None
    found = [grid for head in heads if (grid := _own_axis(head, numbers)) is not None]
    if found:
        sizes = {grid.head.sample_shape[grid.axis] for grid in found}
        return found if len(sizes) == 1 else []
    maps = [head for head in heads if head.shape is not None and len(head.shape) == 4]
    plain = [
        head for head in maps if ends_with_weights(model, head.name) and not last_concats(model, head.name)
    ]
    if len(maps) != len(heads) or len(plain) != len(maps):
        return []
    for axis in (0, 2):
        channels = {head.sample_shape[axis] for head in maps}
        size = next(iter(channels))
        if len(channels) == 1 and isinstance(size, int):
            anchors = _anchors(size, len(maps), numbers)
            if anchors and _strides(maps, model, axis, levels=len(maps)):
                return [Grid(head, axis, anchors) for head in maps]
    return []


def _own_axis(head: Head, numbers: int | None) -> Grid | None:
    """(batch, 3, height, width, numbers), (batch, height, width, 3, numbers) or (batch, 3, numbers, height, width)."""
    shape = head.sample_shape
    if len(shape) != 4:
        return None
    for axis, anchors in ((3, (0, 2)), (1, (0,))):
        size = shape[axis]
        fits = isinstance(size, int) and (size == numbers if numbers else size > BEFORE_CLASSES)
        if fits and any(shape[place] in (ANCHORS, ONE_LEVEL_ANCHORS) for place in anchors):
            return Grid(head, axis, 1)
    return None


def _anchors(channels: int, levels: int, numbers: int | None) -> int:
    """How many share the channels; 0 where no number of anchors fits."""
    if levels == 1:
        named = numbers is not None and channels == ONE_LEVEL_ANCHORS * numbers
        return ONE_LEVEL_ANCHORS if named or (numbers is None and channels in ONE_LEVEL) else 0
    each, left = divmod(channels, ANCHORS)
    fits = each == numbers if numbers is not None else each > BEFORE_CLASSES
    return ANCHORS if fits and not left else 0


def _strides(maps: Sequence[Head], model: Model, axis: int, levels: int) -> bool:
    """Whether the levels' sides are the picture's by YOLO's strides; where a side is open, whether all are."""
    sides = [tuple(dim for place, dim in enumerate(head.sample_shape) if place != axis) for head in maps]
    pictures = [tensor.shape for tensor in model.inputs if len(tensor.shape or ()) == 4]
    expected = [(32,)] if levels == 1 else [strides for strides in STRIDES if len(strides) == levels]
    return any(
        _divide(picture, sides, strides)
        for shape in pictures
        if shape is not None
        for picture in (shape[2:], shape[1:3])
        for strides in expected
    )


def _divide(picture: Sequence[Dim], sides: Sequence[Sequence[Dim]], strides: Sequence[int]) -> bool:
    known = [dim for dim in (*picture, *(dim for pair in sides for dim in pair)) if isinstance(dim, int)]
    if not known:
        # nothing is told of the sizes but that there are as many levels as YOLO has
        return len(strides) > 1
    wanted = {tuple(dim // stride if isinstance(dim, int) else None for dim in picture) for stride in strides}
    return {tuple(dim if isinstance(dim, int) else None for dim in pair) for pair in sides} == wanted


def in_cells(grids: Sequence[Grid], labels: Sequence[str], values: Values, sample: int) -> Candidates:
    """The boxes of all levels, counted on from level to level, cell to cell and anchor to anchor; their score is
    objectness times class score.
    """
    wholes = [np.asarray(values(grid.head.tensor)[sample]) for grid in grids]
    boxes = [
        each.reshape(-1, each.shape[-1])
        for each in (grid.boxes(whole) for grid, whole in zip(grids, wholes, strict=True))
    ]
    joint = np.concatenate([joint_scores(each[:, 4:5], each[:, BEFORE_CLASSES:]) for each in boxes])
    ends = np.cumsum([len(each) for each in boxes])

    def picked(box: int, number: int) -> Picked:
        level = int(np.searchsorted(ends, box, side="right"))
        grid, whole = grids[level], wholes[level]
        numbered = grid.boxes(np.arange(whole.size).reshape(whole.shape))
        flat = numbered.reshape(-1, numbered.shape[-1])[box - int(ends[level]) + len(boxes[level])]
        places = [
            tuple(int(one) for one in np.unravel_index(int(flat[n]), whole.shape)) for n in (4, 5 + number)
        ]
        target = weighted_pair(grid.head.name, places, [float(whole[place]) for place in places])
        where = ", ".join(map(str, places[1]))
        return target, f"{grid.head.name}: the box of [{where}], {label_of(labels, number)}"

    return Candidates(" + ".join(grid.head.name for grid in grids), joint, picked, labels)

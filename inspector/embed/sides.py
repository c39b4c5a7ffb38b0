"""How many places a map has in each direction, where the file takes pictures of any size: read from another tensor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from inspector.errors import LayerNotFound
from inspector.explain.geometry import Places
from inspector.explain.geometry.grid import Grid
from inspector.explain.targeted import find_places
from inspector.objectives import Entry, Evaluator
from inspector.session import Feeds

__all__ = ["Reference", "find_reference", "is_plain"]


@dataclass(frozen=True)
class Reference:
    """A tensor that has as many places as another, each direction along an axis of its own.

    Attributes:
        tensor: its name.
        axes: the input's spatial axis -> its axis.
    """

    tensor: str
    axes: Mapping[int, int]


def is_plain(grid: Grid) -> bool:
    """Whether each axis is one of samples, channels or places, whole: nothing needs to know its length."""
    whole = all(len(segment) == 1 and lead == trail == 0 for lead, segment, trail in grid.axes)
    kinds = [factor.what for factor in grid.factors]
    return whole and len(set(kinds)) == len(kinds)


def find_reference(
    evaluator: Evaluator, entry: Entry, feeds: Feeds, spatial: tuple[int, ...], name: str, grid: Grid
) -> Reference:
    """A tensor that has as many places as `name`, whatever the size of the picture: at this one and at twice it.

    Args:
        evaluator, entry, feeds: of the model, its input and an example.
        spatial: the input's spatial axes.
        name: a tensor whose places stand in one axis, or in several parts: tokens, windows.
        grid: how it is read at this size.

    Raises:
        LayerNotFound: there is none, or windows tell no size.
    """
    picture = feeds[entry.input.name]
    shape = [2 * size if axis in spatial else size for axis, size in enumerate(picture.shape)]
    larger = {**feeds, entry.input.name: np.broadcast_to(picture.dtype.type(0), shape)}
    here, there = find_places(evaluator, entry, feeds), find_places(evaluator, entry, larger)
    other = there.grid(name)
    in_one_axis = all(sum(factor.what == space for factor in grid.factors) == 1 for space in grid.spaces)
    if other is not None and in_one_axis:
        for tensor in evaluator.model.graph.graph:
            for candidate in map(str, (value.name for value in tensor.outputs)):
                axes = _axes(here, candidate, grid)
                if axes is not None and axes == _axes(there, candidate, other):
                    return Reference(candidate, axes)
    raise LayerNotFound(
        f"'{name}' is folded to maps of {grid.text} places for a picture of this size, and nothing in the graph tells "
        "how many it has for another: give the model's input a fixed size, or name another layer"
    )


def _axes(places: Places, tensor: str, grid: Grid) -> dict[int, int] | None:
    """The axes of a tensor that has the places of `grid`, each direction along one of its own."""
    found = places.grid(tensor)
    if found is None or not is_plain(found) or (found.spaces, found.sides) != (grid.spaces, grid.sides):
        return None
    return dict(_spaces(found))


def _spaces(grid: Grid) -> Iterator[tuple[int, int]]:
    for axis, (_, segment, _) in enumerate(grid.axes):
        if segment[0].what >= 0:
            yield segment[0].what, axis

"""From a resolved target to the layer that its map is taken from, and how that layer is read as maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from inspector.errors import LayerNotFound
from inspector.explain.choice import Choice, choose_layer
from inspector.explain.flow import ALL, Mask
from inspector.explain.geometry import (
    Grid,
    Places,
    guessed_grid,
    input_layout,
    layout_grid,
    places_of,
    token_grid,
)
from inspector.model import Layer, spatial_axes
from inspector.objectives import OWN, Entry, Evaluator, Objective, readable
from inspector.session import Feeds

if TYPE_CHECKING:
    pass

__all__ = [
    "default_choice",
    "find_places",
    "layer_for",
    "layer_grid",
    "leads_to",
    "masks_of",
    "picture_sides",
]


def find_places(evaluator: Evaluator, entry: Entry, feeds: Feeds | None = None) -> Places:
    """Where the tensors of the graph that is differentiated lie in the input of `entry`."""
    return places_of(evaluator.model, readable(evaluator), entry.input, feeds)


def default_choice(evaluator: Evaluator, entry: Entry, targets: Sequence[str], boxes: bool = False) -> Choice:
    """The default layer for a score made of the tensors `targets`, whichever elements of them, at assumed sizes.

    Raises:
        LayerNotFound: no feature map leads to them, or the input is a sequence of words.
    """
    if entry.reads_tokens:
        raise LayerNotFound(
            f"input '{entry.input.name}' is a sequence of {entry.input.dtype}, which has no feature maps: "
            "methods at the input (saliency, input-x-gradient) explain it position by position"
        )
    places = find_places(evaluator, entry)
    masks: dict[str, Mask] = dict.fromkeys(targets, ALL)
    choice = choose_layer(evaluator.model, places, entry.tensor, masks, entry.input.name, boxes)
    if places.assumption:
        choice = replace(choice, reason=f"{choice.reason} ({places.assumption})")
    return choice


def layer_for(
    evaluator: Evaluator, entry: Entry, feeds: Feeds, objective: Objective, layer: Layer | None
) -> Layer:
    """`layer`, or where it is None the default one for the elements that `objective` reads.

    Raises:
        LayerNotFound: no feature map leads to the target, or `layer` has no part in it.
    """
    if layer is None:
        places = find_places(evaluator, entry, feeds)
        masks = masks_of(objective, places)
        return choose_layer(evaluator.model, places, entry.tensor, masks, entry.input.name).layer
    if layer.name not in leads_to(evaluator, objective.tensors):
        raise LayerNotFound(f"layer '{layer.name}' has no part in the target: {', '.join(objective.tensors)}")
    return layer


def leads_to(evaluator: Evaluator, targets: Sequence[str]) -> frozenset[str]:
    """Names of the tensors of the graph that is differentiated which `targets` depend on, these included."""
    from inspector.surgery.lookup import ancestors, find_value

    def find() -> frozenset[str]:
        graph = readable(evaluator).graph
        return frozenset(
            str(value.name) for value in ancestors([find_value(graph, name) for name in targets])
        )

    names: frozenset[str] = evaluator.answers.get(("leads to", tuple(targets)), find)
    return names


def layer_grid(
    evaluator: Evaluator,
    entry: Entry,
    feeds: Feeds,
    layer: Layer,
    shape: Sequence[int],
    tokens: str | None = None,
) -> Grid:
    """How the values of `layer` are read as maps.

    Args:
        evaluator, entry, feeds: of the model, its input and what it is fed.
        layer: named or chosen.
        shape: of its tensor.
        tokens: `1+14x14`: what a sequence stands for; None: found from the graph, else from the input's proportions.

    Raises:
        LayerNotFound: it is no feature map, as far as can be told.
        InputError: `tokens` does not fit.
    """
    if tokens is not None:
        return token_grid(shape, tokens)
    grid = find_places(evaluator, entry, feeds).grid(layer.name, shape)
    if grid is None and layer.layout is not None and len(shape) == len(layer.layout):
        grid = layout_grid(shape, layer.layout)
    grid = grid or guessed_grid(shape, picture_sides(evaluator, entry, feeds))
    if grid is None:
        raise LayerNotFound(
            f"layer '{layer.name}' {tuple(shape)} is no feature map with channels and spatial axes; if its tokens "
            "stand for one, say how: --tokens 1+14x14 (tokens=) leaves out one and folds the rest"
        )
    return grid


def picture_sides(evaluator: Evaluator, entry: Entry, feeds: Feeds) -> tuple[int, ...]:
    """The spatial shape of what is fed; of a sequence its length."""
    shape = feeds[entry.input.name].shape
    layout = input_layout(evaluator.model, entry.input)
    if layout is None or len(layout) != len(shape):
        return tuple(shape[1:])
    return tuple(shape[axis] for axis in spatial_axes(layout))


def masks_of(objective: Objective, places: Places) -> dict[str, Mask]:
    """The elements of each tensor that the score of any sample reads."""
    masks: dict[str, Mask] = {}
    for key, index in zip(objective.keys, objective.index, strict=True):
        shape = places.shapes.get(key.tensor)
        if shape is None or key.transform != "raw" or (index == OWN).any() or masks.get(key.tensor) is ALL:
            masks[key.tensor] = ALL
            continue
        rest = shape if not key.batched else shape[: key.batch_axis] + shape[key.batch_axis + 1 :]
        chosen = np.zeros(int(np.prod(rest)), dtype=bool)
        chosen[index.ravel()] = True
        mask = chosen.reshape(rest)
        if key.batched:
            mask = np.repeat(np.expand_dims(mask, key.batch_axis), shape[key.batch_axis], axis=key.batch_axis)
        before = masks.get(key.tensor)
        masks[key.tensor] = mask if before is None else np.asarray(mask | before)
    return masks

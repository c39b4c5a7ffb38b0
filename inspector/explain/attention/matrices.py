"""The attention matrices of a model: which of its tensors say how much each token reads of each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from inspector.errors import LayerNotFound, ModelError
from inspector.explain.attention.opened import opened
from inspector.explain.flow import needed
from inspector.explain.geometry import Axes, Grid, Places, grid_of, guessed_grid, token_grid
from inspector.explain.geometry.axes import BATCH, Axis, batch, other
from inspector.explain.relevance import Maps, Scene
from inspector.explain.targeted import find_places, leads_to, masks_of
from inspector.objectives import Evaluator
from inspector.session import Array

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["Attentions", "find_attentions"]

# of the output's largest magnitude: half precision rounds by a thousandth, a mistake shows in the first digits
TOLERANCE = 1e-2


@dataclass(frozen=True)
class Attentions:
    """The self-attention of a model over the tokens of its input.

    Attributes:
        evaluator: of the model in a form whose graph holds the matrices.
        names: of the matrices, first layer first.
        axes: of each.
        tokens: how many there are.
        rows: numbers of the tokens that the score reads of the last layer: the class token, or all patches.
        grid: of a tensor (samples, tokens, 1): where they lie in the input.
    """

    evaluator: Evaluator
    names: tuple[str, ...]
    axes: tuple[Axes, ...]
    tokens: int
    rows: NDArray[np.int64]
    grid: Grid

    def heads(self, number: int, array: Array, samples: int) -> NDArray[np.float64]:
        """(samples, heads, tokens, tokens) of an array of the shape of a matrix."""
        square = (self.tokens, self.tokens)
        factors = [factor for axis in self.axes[number][:-2] for segment in axis for factor in segment]
        first = next((place for place, factor in enumerate(factors) if factor.what == BATCH), None)
        if first is None:
            return array.reshape(samples, -1, *square).astype(np.float64)
        apart = array.reshape(*(-1 if place == first else f.size for place, f in enumerate(factors)), *square)
        whole = np.moveaxis(apart, first, 0)
        # a file with a fixed batch is run with a few samples too many
        return whole.reshape(len(whole), -1, *square)[:samples].astype(np.float64)

    def maps(self, relevance: NDArray[np.float64]) -> Maps:
        """(samples, spatial...) of a number per token, (samples, tokens); class and register tokens are left out."""
        return np.asarray(self.grid.fold(relevance[:, :, None])[:, 0], dtype=np.float32)


def find_attentions(scene: Scene) -> Attentions:
    """The attention matrices on the way to the scene's score.

    Softmax outputs (..., tokens, tokens) over the last axis, heads and samples before them in any order.

    Raises:
        LayerNotFound: there are none; or they are of windows, or of coarser and coarser sequences, through which no
            token can be followed.
        ModelError: with its operators taken apart the model computes something else.
    """
    subject = scene.subject
    evaluator = opened(subject.evaluator)
    _verify(scene, evaluator)
    places = find_places(evaluator, scene.entry, subject.feeds)
    found = _squares(places, leads_to(evaluator, subject.objective.tensors))
    if not found:
        raise LayerNotFound(
            "no attention matrix (a softmax over tokens x tokens) lies on the way to the target: attention rollout "
            "explains transformers; use gradcam or saliency"
        )
    for value in found:
        _refuse_windows(value, places)
    whole = [value for value in found if _is_whole(_axes(places, value), places)]
    tokens = places.shapes[str((whole or found)[-1].name)][-1]
    ours = [value for value in (whole or found) if places.shapes[str(value.name)][-1] == tokens]
    if len(whole) > len(ours):
        sizes = sorted({places.shapes[str(value.name)][-1] for value in whole}, reverse=True)
        raise LayerNotFound(
            f"the model's attention is between {', '.join(map(str, sizes))} tokens, coarser from stage to stage: a "
            "rollout follows tokens that stay; use gradcam"
        )
    return Attentions(
        evaluator,
        tuple(str(value.name) for value in ours),
        tuple(_axes(places, value) for value in ours),
        tokens,
        _rows_read(scene, places, ours[-1], tokens),
        _grid(scene, places, ours[-1], tokens),
    )


def _verify(scene: Scene, evaluator: Evaluator) -> None:
    """Compare the score with the file's where operators were taken apart; a quantised file's differs on purpose."""
    subject = scene.subject
    if evaluator is subject.evaluator or subject.evaluator.lowered.quantised:
        return
    tensors = evaluator.values(subject.feeds, subject.objective.tensors)
    difference = float(np.abs(subject.settled.evaluate(tensors) - subject.score).max())
    if difference > TOLERANCE * float(max(np.abs(each).max() for each in tensors.values())):
        raise ModelError(
            f"taking the model's attention out of its operators changes the score by {difference:.2g}: export it at "
            "opset 18, without optimising it"
        )


def _squares(places: Places, wanted: frozenset[str]) -> list[ir.Value]:
    """Outputs of a softmax over the last of two equal axes, and what an operator gives as its own."""
    found = []
    for node in places.graph:
        own = node.op_type == "Attention" and len(node.outputs) > 3
        if not own and node.op_type != "Softmax":
            continue
        value = node.outputs[3 if own else 0]
        shape = places.shapes.get(str(value.name), ())
        last = own or node.attributes.get_int("axis", -1) in (-1, len(shape) - 1)
        if last and len(shape) > 2 and shape[-1] == shape[-2] > 1 and str(value.name) in wanted:
            found.append(value)
    return found


def _axes(places: Places, value: ir.Value) -> Axes:
    """Samples and heads, queries, keys; nothing where the walk through the graph has lost them."""
    node = value.producer()
    if node is None or node.op_type != "Attention":
        return places.axes.get(str(value.name), ())
    query, key = (places.axes.get(str(each.name), ()) for each in node.inputs[:2] if each is not None)
    if not query or not key:
        return ()
    # (samples, tokens, features) and (samples, heads, tokens, features)
    return (query[0], other(places.shapes[str(value.name)][1]), query[-2], key[-2])


def _refuse_windows(value: ir.Value, places: Places) -> None:
    ahead = _axes(places, value)[:-2]
    if any(factor.what >= 0 for axis in ahead for segment in axis for factor in segment):
        size = places.shapes[str(value.name)][-1]
        raise LayerNotFound(
            f"the attention '{value.name}' stays within windows of {size} tokens (Swin and its kin): a rollout needs "
            "attention between all tokens; use gradcam"
        )


def _is_whole(axes: Axes, places: Places) -> bool:
    """Whether the keys, and the queries, are all tokens of the input."""
    return len(axes) > 2 and axes[-1] == axes[-2] and _token_grid(axes[-1], places) is not None


def _token_grid(axis: Axis, places: Places) -> Grid | None:
    return grid_of((batch(1), axis, other(1)), places.spaces)


def _grid(scene: Scene, places: Places, value: ir.Value, tokens: int) -> Grid:
    shape, axes = (1, tokens, 1), _axes(places, value)
    if scene.tokens is not None:
        return token_grid(shape, scene.tokens)
    grid = _token_grid(axes[-1], places) if _is_whole(axes, places) else None
    if grid is None and scene.sides == (tokens,):
        grid = token_grid(shape, str(tokens))
    grid = grid or guessed_grid(shape, scene.sides)
    if grid is None:
        raise LayerNotFound(
            f"the {tokens} tokens of attention '{value.name}' are no places that could be told: if they stand for a "
            "map, say how: --tokens 1+14x14 (tokens=) leaves out one and folds the rest"
        )
    return grid


def _rows_read(scene: Scene, places: Places, value: ir.Value, tokens: int) -> NDArray[np.int64]:
    """The tokens of the last layer that the score needs."""
    values = {str(output.name): output for node in places.graph for output in node.outputs}
    masks = masks_of(scene.subject.objective, places)
    need = needed(list(places.graph), places.shapes, {values[name]: mask for name, mask in masks.items()})
    mask = need.masks.get(value)
    if not isinstance(mask, np.ndarray):
        return np.arange(tokens)
    read = mask.reshape(-1, tokens, tokens).any(axis=(0, 2))
    return np.flatnonzero(read) if read.any() else np.arange(tokens)

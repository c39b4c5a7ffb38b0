"""The scaffold that all methods share: run the gradient graph, combine, enlarge, scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InspectorError, LayerNotFound, ModelError
from inspector.explain.checking import check_gradient, notes_on_quantisation
from inspector.explain.explanation import Explanation
from inspector.explain.geometry import channels_first, input_layout
from inspector.explain.methods import METHODS, Method
from inspector.explain.targeted import find_places, layer_for, layer_grid, leads_to, picture_sides
from inspector.explain.upsample import upsample
from inspector.model import Layer
from inspector.objectives import Entry, Evaluator, Gradients, Objective, readable
from inspector.session import Feeds

__all__ = ["explain", "find_method"]

Maps = NDArray[np.floating]


def find_method(name: str) -> Method:
    """The method called `name`; InspectorError lists them all where there is none."""
    if name not in METHODS:
        raise InspectorError(f"there is no method '{name}'; methods: {', '.join(METHODS)}")
    return METHODS[name]


def explain(
    evaluator: Evaluator,
    feeds: Feeds,
    objective: Objective,
    entry: Entry,
    method: str | None = None,
    layer: Layer | None = None,
    check: bool = False,
    tokens: str | None = None,
    **options: Any,
) -> Explanation:
    """Explain `objective` by `method`.

    Args:
        evaluator: of the model.
        feeds: checked inputs.
        objective: the resolved target.
        entry: the input that the heatmap lies over, and where the gradient with respect to it is taken.
        method: a key of `METHODS`; None: gradcam where there is a spatial feature map, else saliency.
        layer: for methods at a layer; None: the last feature map on the way to the target.
        check: compare the gradient that the map rests on with finite differences of the file.
        tokens: how a sequence is folded to a map, `1+14x14`; None: found from the graph.
        options: of the method.

    Raises:
        LayerNotFound: the method needs a feature map and there is none, or the layer has no part in the target.
        ModelError: the map is not finite.
        NotDifferentiable: an operator without a derivative lies on the way.
    """
    notes = []
    name, place = _method_and_layer(evaluator, feeds, objective, entry, method, layer)
    chosen = find_method(name)
    if options:
        raise InspectorError(f"method {name} takes no option '{next(iter(options))}'")
    if place is not None:
        found = evaluator.gradients(feeds, objective, [place.name], keep=[place.name])
        values = found.tensors[place.name]
        grid = layer_grid(evaluator, entry, feeds, place, values, tokens)
        small = _combine(chosen, grid.fold(values), grid.fold(found.gradients[place.name]))
        raw = upsample(small, _common_size(small, picture_sides(evaluator, entry, feeds)))
    else:
        if method is None:
            why = (
                "the input is a sequence of numbers that stand for words or bytes"
                if entry.reads_tokens
                else "the model has no spatial feature map on the way to the target"
            )
            notes.append(f"method {name} was chosen: {why}")
        if layer is not None:
            notes.append(f"method {name} works at the input: layer '{layer.name}' plays no part")
        notes += [entry.note] if entry.note else []
        found = evaluator.gradients(feeds, objective, [entry.tensor], keep=[entry.tensor])
        values = {**feeds, **found.tensors}[entry.tensor]
        pair = (values, found.gradients[entry.tensor])
        small = _combine(chosen, *(_at_input(evaluator, feeds, entry, each) for each in pair))
        # what stands in for an input of integers may be coarser than it
        raw = upsample(small, _common_size(small, picture_sides(evaluator, entry, feeds)))
    notes += notes_on_quantisation(evaluator, found)
    notes += _notes_on_zeros(raw, found, _unreached(evaluator, entry, objective))
    tensor, gradient = next(iter(found.gradients.items()))
    return Explanation(
        heatmap=scale(raw),
        raw=raw.astype(np.float32),
        map=small.astype(np.float32),
        target=found.objective.describe(),
        score=found.score,
        layer=None if place is None else place.name,
        method=name,
        signed=chosen.signed,
        notes=notes,
        check=check_gradient(evaluator, feeds, found.objective, tensor, gradient) if check else None,
    )


def _method_and_layer(
    evaluator: Evaluator,
    feeds: Feeds,
    objective: Objective,
    entry: Entry,
    method: str | None,
    layer: Layer | None,
) -> tuple[str, Layer | None]:
    """The method asked for, else gradcam where there is a spatial feature map and saliency where there is none."""
    if method is not None:
        if find_method(method).place == "input":
            return method, None
        return method, layer_for(evaluator, entry, feeds, objective, layer)
    # the words of a text have no shape that a coarser map could show
    if layer is None and entry.reads_tokens:
        return "saliency", None
    try:
        return "gradcam", layer_for(evaluator, entry, feeds, objective, layer)
    except LayerNotFound:
        if layer is not None:
            raise
        return "saliency", None


def _at_input(evaluator: Evaluator, feeds: Feeds, entry: Entry, array: Maps) -> Maps:
    """(samples, channels, places...) of the input, or of the tensor that stands in for it."""
    if entry.op_type:
        grid = find_places(evaluator, entry, feeds).grid(entry.tensor)
        if grid is not None:
            return grid.fold(array)
    return channels_first(array, input_layout(evaluator.model, entry.input))


def scale(raw: Maps) -> NDArray[np.float32]:
    """Each image's map divided by its largest magnitude; zeros stay zeros."""
    largest = np.abs(raw).max(axis=tuple(range(1, raw.ndim)), keepdims=True)
    scaled: NDArray[np.float32] = np.divide(raw, largest, out=np.zeros_like(raw), where=largest > 0).astype(
        np.float32
    )
    return scaled


def _combine(method: Method, values: Maps, gradient: Maps) -> Maps:
    single = [np.asarray(array, dtype=np.float32) for array in (values, gradient)]
    try:
        with np.errstate(over="raise", invalid="raise"):
            combined = method.combine(*single)
    except FloatingPointError:
        combined = np.full(1, np.nan)
    if not (np.isfinite(combined).all() and np.isfinite(single[1]).all()):
        raise ModelError("the map is not finite: the model's numbers overflow on this input")
    return combined


def _common_size(small: Maps, sides: Sequence[int]) -> Sequence[int]:
    """The input's spatial shape, where the map has as many axes; else (an input that is folded first) the map's own."""
    return sides if len(sides) + 1 == small.ndim else small.shape[1:]


def _unreached(evaluator: Evaluator, entry: Entry, objective: Objective) -> str:
    """Which target nothing leads to from the input; empty where something does."""
    if entry.tensor in leads_to(readable(evaluator), objective.tensors):
        return ""
    return f"no input reaches the target {', '.join(map(repr, objective.tensors))}"


def _notes_on_zeros(raw: Maps, found: Gradients, unreached: str) -> list[str]:
    """Say why a map is empty: nothing is worse to read than a uniformly blue picture without a reason."""
    notes = []
    gradient = next(iter(found.gradients.values()))
    for number, each in enumerate(raw):
        if not each.any():
            reason = (
                "all evidence at this layer is against the target"
                if gradient[number].any()
                else unreached or "the gradient is zero"
            )
            notes.append(f"image {number + 1}: the map is zero everywhere: {reason}")
    return notes

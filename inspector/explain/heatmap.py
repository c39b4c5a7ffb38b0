"""The scaffold that all methods share: choose the place, let the method work there, enlarge, merge, scale."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import LayerNotFound
from inspector.explain.checking import check_gradient, notes_on_quantisation
from inspector.explain.explanation import Explanation
from inspector.explain.geometry import Grid, channels_first, input_layout
from inspector.explain.merging import Merge, merged
from inspector.explain.methods import find_method
from inspector.explain.relevance import Maps, Relevance, Scene
from inspector.explain.subject import Subject
from inspector.explain.targeted import find_places, layer_for, layer_grid, leads_to, picture_sides
from inspector.explain.upsample import upsample
from inspector.model import Layer
from inspector.objectives import Entry
from inspector.session import Array

__all__ = ["explain"]


# what rounding leaves of equal values
EVEN = 1e-5


def explain(
    subject: Subject,
    entry: Entry,
    method: str | None = None,
    layers: Sequence[Layer] = (),
    check: bool = False,
    tokens: str | None = None,
    merge: Merge = "mean",
    **options: Any,
) -> Explanation:
    """Explain a subject's score by `method`.

    Args:
        subject: the model's inputs and the resolved target.
        entry: the input that the heatmap lies over, and where the gradient with respect to it is taken.
        method: a key of `METHODS`; None: gradcam where there is a spatial feature map, else saliency.
        layers: for methods at a layer; none: the last feature map on the way to the target; several: their maps are
            merged.
        check: compare the gradients that the map rests on with finite differences of the file.
        tokens: how a sequence is folded to a map, `1+14x14`; None: found from the graph.
        merge: how the maps of several layers become one.
        options: of the method.

    Raises:
        LayerNotFound: the method needs a feature map and there is none, or the layer has no part in the target.
        ModelError: the map is not finite.
        NotDifferentiable: an operator without a derivative lies on the way.
        InspectorError: there is no such method, or it has no such option.
    """
    name, places = _method_and_layers(subject, entry, method, layers)
    chosen = find_method(name)
    chosen.require(name, options)
    notes = _notes_on_choice(name, entry, method, layers, places)
    sides = picture_sides(subject.evaluator, entry, subject.feeds)
    spots: list[Layer | None] = [*places] or [None]
    scenes = [_scene(subject, entry, spot, sides, tokens) for spot in spots]
    each = [chosen.attribute(scene, **options) for scene in scenes]
    large = [upsample(one.maps, _common_size(one.maps, sides)) for one in each]
    raw = large[0] if len(large) == 1 else merged(large, merge)
    for scene, one in zip(scenes, each, strict=True):
        notes += one.notes
        notes += notes_on_quantisation(subject.evaluator, one.found) if one.found is not None else []
        notes += _notes_on_zeros(raw, one, scene)
    notes += _notes_on_signs(raw) if chosen.signed else []
    described = next((one.found.objective for one in each if one.found is not None), None) or subject.settled
    score = each[0].found.score if each[0].found is not None else subject.score.astype(np.float32)
    return Explanation(
        heatmap=scale(raw),
        raw=raw.astype(np.float32, copy=False),
        map=(each[0].maps if len(each) == 1 else raw).astype(np.float32),
        target=described.describe(),
        score=score,
        layer=" + ".join(place.name for place in places) or None,
        layers=tuple(place.name for place in places),
        method=name,
        signed=chosen.signed,
        measures={key: value for one in each for key, value in one.measures.items()},
        notes=list(dict.fromkeys(notes)),
        check=_checked(subject, each) if check else None,
        pictured=channels_first(subject.x, input_layout(subject.evaluator.model, entry.input)),
    )


def _method_and_layers(
    subject: Subject, entry: Entry, method: str | None, layers: Sequence[Layer]
) -> tuple[str, list[Layer]]:
    """The method asked for, else gradcam where there is a spatial feature map and saliency where there is none."""

    def places() -> list[Layer]:
        evaluator, feeds, objective = subject.evaluator, subject.feeds, subject.objective
        asked: list[Layer | None] = [*layers] or [None]
        return [layer_for(evaluator, entry, feeds, objective, layer) for layer in asked]

    if method is not None:
        return method, places() if find_method(method).place == "layer" else []
    # the words of a text have no shape that a coarser map could show
    if not layers and entry.reads_tokens:
        return "saliency", []
    try:
        return "gradcam", places()
    except LayerNotFound:
        if layers:
            raise
        return "saliency", []


def _scene(
    subject: Subject, entry: Entry, layer: Layer | None, sides: tuple[int, ...], tokens: str | None
) -> Scene:
    evaluator, feeds = subject.evaluator, subject.feeds

    def at_input(array: Array) -> Maps:
        """(samples, channels, places...) of the input, or of the tensor that stands in for it."""
        if entry.op_type:
            grid = find_places(evaluator, entry, feeds).grid(entry.tensor)
            if grid is not None:
                return grid.fold(array)
        return channels_first(array, input_layout(evaluator.model, entry.input))

    @lru_cache(maxsize=4)
    def grid_at_layer(shape: tuple[int, ...]) -> Grid:
        assert layer is not None
        return layer_grid(evaluator, entry, feeds, layer, shape, tokens)

    def at_layer(array: Array) -> Maps:
        return grid_at_layer(array.shape).fold(array)

    return Scene(subject, entry, layer, sides, at_input if layer is None else at_layer, at_input, tokens)


def scale(raw: Maps) -> NDArray[np.float32]:
    """Each image's map divided by its largest magnitude; zeros stay zeros."""
    largest = np.abs(raw).max(axis=tuple(range(1, raw.ndim)), keepdims=True)
    scaled = raw / np.where(largest > 0, largest, np.ones_like(largest))
    single: NDArray[np.float32] = scaled if scaled.dtype == np.float32 else scaled.astype(np.float32)
    return single


def _common_size(small: Maps, sides: Sequence[int]) -> Sequence[int]:
    """The input's spatial shape, where the map has as many axes; else (an input that is folded first) the map's own."""
    return sides if len(sides) + 1 == small.ndim else small.shape[1:]


def _checked(subject: Subject, each: Sequence[Relevance]) -> Any:
    """The verdict on all gradients that the map rests on; None where it rests on none."""
    from inspector.check import combine

    checks = [
        check_gradient(subject.evaluator, subject.feeds, one.found.objective, tensor, gradient)
        for one in each
        if one.found is not None
        for tensor, gradient in one.found.gradients.items()
    ]
    return combine(checks) if len(checks) > 1 else next(iter(checks), None)


def _notes_on_choice(
    name: str, entry: Entry, method: str | None, layers: Sequence[Layer], places: Sequence[Layer]
) -> list[str]:
    notes = []
    if method is None and not places:
        why = (
            "the input is a sequence of numbers that stand for words or bytes"
            if entry.reads_tokens
            else "the model has no spatial feature map on the way to the target"
        )
        notes.append(f"method {name} was chosen: {why}")
    if not places:
        notes += [f"method {name} works at the input: layer '{layer.name}' plays no part" for layer in layers]
        notes += [entry.note] if entry.note else []
    return notes


def _unreached(scene: Scene) -> str:
    """Which target nothing leads to from the input; empty where something does."""
    objective, evaluator = scene.subject.objective, scene.subject.evaluator
    if scene.entry.tensor in leads_to(evaluator, objective.tensors):
        return ""
    return f"no input reaches the target {', '.join(map(repr, objective.tensors))}"


def _notes_on_zeros(raw: Maps, one: Relevance, scene: Scene) -> list[str]:
    """Say why a map is empty: nothing is worse to read than a uniformly blue picture without a reason."""
    notes = []
    gradient = None if one.found is None else next(iter(one.found.gradients.values()))
    for number, each in enumerate(raw):
        if not each.any():
            unreached = _unreached(scene)
            if gradient is None:
                reason = unreached or "nothing in the picture changes the score for the better"
            elif gradient[number].any():
                reason = "all evidence at this layer is against the target"
            else:
                reason = unreached or "the gradient is zero"
            notes.append(f"image {number + 1}: the map is zero everywhere: {reason}")
    return notes


def _notes_on_signs(raw: Maps) -> list[str]:
    """Say of a signed map where it has nothing for the target, or prefers no place."""
    notes = []
    for number, each in enumerate(raw, start=1):
        if each.any() and np.ptp(each) <= EVEN * np.abs(each).max():
            notes.append(
                f"image {number}: the map is the same everywhere, {float(each.flat[0]):.3g}: behind this layer all "
                "places weigh alike; take an earlier layer"
            )
        elif each.any() and each.max() <= 0:
            notes.append(f"image {number}: the map is nowhere positive: all evidence is against the target")
    return notes

"""The scaffold that all methods share: run the gradient graph, combine, enlarge, scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InspectorError, LayerNotFound, ModelError
from inspector.explain.checking import check_gradient, notes_on_quantisation
from inspector.explain.explanation import Explanation
from inspector.explain.layers import channels_first, default_layer, input_layout, leads_to, spatial_maps
from inspector.explain.methods import METHODS, Method
from inspector.explain.upsample import upsample
from inspector.model import Layer, TensorInfo
from inspector.objectives import Evaluator, Gradients, Objective
from inspector.session import Feeds

__all__ = ["choose_method", "explain", "find_method"]

Maps = NDArray[np.floating]


def find_method(name: str) -> Method:
    """The method called `name`; InspectorError lists them all where there is none."""
    if name not in METHODS:
        raise InspectorError(f"there is no method '{name}'; methods: {', '.join(METHODS)}")
    return METHODS[name]


def choose_method(evaluator: Evaluator, objective: Objective, layer: Layer | None) -> str:
    """Gradcam where there is a spatial feature map, else saliency."""
    return "gradcam" if layer is not None or spatial_maps(evaluator.model, objective.tensors) else "saliency"


def explain(
    evaluator: Evaluator,
    feeds: Feeds,
    objective: Objective,
    image: TensorInfo,
    method: str | None = None,
    layer: Layer | None = None,
    check: bool = False,
    **options: Any,
) -> Explanation:
    """Explain `objective` by `method`.

    Args:
        evaluator: of the model.
        feeds: checked inputs.
        objective: the resolved target.
        image: the input that the heatmap lies over.
        method: a key of `METHODS`; None: gradcam where there is a spatial feature map, else saliency.
        layer: for methods at a layer; None: the last feature map on the way to the target.
        check: compare the gradient that the map rests on with finite differences of the file.
        options: of the method.

    Raises:
        LayerNotFound: the method needs a feature map and there is none, or the layer has no part in the target.
        ModelError: the map is not finite.
        NotDifferentiable: an operator without a derivative lies on the way.
    """
    notes = []
    name = method or choose_method(evaluator, objective, layer)
    chosen = find_method(name)
    if options:
        raise InspectorError(f"method {name} takes no option '{next(iter(options))}'")
    if method is None and chosen.place == "input":
        notes.append(
            f"method {name} was chosen: the model has no spatial feature map on the way to the target"
        )
    layout = input_layout(evaluator.model, image)
    pixels = channels_first(feeds[image.name], layout)
    if chosen.place == "layer":
        place = _feature_map(evaluator, objective, layer)
        found = evaluator.gradients(feeds, objective, [place.name], keep=[place.name])
        small = _combine(chosen, found.tensors[place.name], found.gradients[place.name], place.layout)
        raw = upsample(small, _common_size(small, pixels))
    else:
        if layer is not None:
            notes.append(f"method {name} works at the input: layer '{layer.name}' plays no part")
        place = None
        found = evaluator.gradients(feeds, objective, [image.name])
        small = raw = _combine(chosen, feeds[image.name], found.gradients[image.name], layout)
    notes += notes_on_quantisation(evaluator, found)
    notes += _notes_on_zeros(raw, found)
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


def scale(raw: Maps) -> NDArray[np.float32]:
    """Each image's map divided by its largest magnitude; zeros stay zeros."""
    largest = np.abs(raw).max(axis=tuple(range(1, raw.ndim)), keepdims=True)
    scaled: NDArray[np.float32] = np.divide(raw, largest, out=np.zeros_like(raw), where=largest > 0).astype(
        np.float32
    )
    return scaled


def _feature_map(evaluator: Evaluator, objective: Objective, layer: Layer | None) -> Layer:
    if layer is None:
        return default_layer(evaluator.model, objective.tensors)
    if layer.layout is None:
        raise LayerNotFound(
            f"layer '{layer.name}' {layer.shape} is no feature map with channels and spatial axes"
        )
    if layer.name not in leads_to(evaluator.model, objective.tensors):
        raise LayerNotFound(f"layer '{layer.name}' has no part in the target: {', '.join(objective.tensors)}")
    return layer


def _combine(method: Method, values: Maps, gradient: Maps, layout: str | None) -> Maps:
    single = [channels_first(np.asarray(array, dtype=np.float32), layout) for array in (values, gradient)]
    try:
        with np.errstate(over="raise", invalid="raise"):
            combined = method.combine(*single)
    except FloatingPointError:
        combined = np.full(1, np.nan)
    if not (np.isfinite(combined).all() and np.isfinite(single[1]).all()):
        raise ModelError("the map is not finite: the model's numbers overflow on this input")
    return combined


def _common_size(small: Maps, pixels: Maps) -> Sequence[int]:
    """The input's spatial shape, where the map has as many axes; else (an input that is folded first) the map's own."""
    return pixels.shape[2:] if pixels.ndim - 1 == small.ndim else small.shape[1:]


def _notes_on_zeros(raw: Maps, found: Gradients) -> list[str]:
    """Say why a map is empty: nothing is worse to read than a uniformly blue picture without a reason."""
    notes = []
    gradient = next(iter(found.gradients.values()))
    for number, each in enumerate(raw):
        if not each.any():
            reason = (
                "all evidence at this layer is against the target"
                if gradient[number].any()
                else "the gradient is zero"
            )
            notes.append(f"image {number + 1}: the map is zero everywhere: {reason}")
    return notes

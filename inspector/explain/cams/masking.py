"""CAMs without a gradient: parts of a layer, or of the picture, are taken away and the model is run again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from inspector.errors import LayerNotFound
from inspector.explain.cams.evidence import Evidence
from inspector.explain.finite import finite
from inspector.explain.positions import positions
from inspector.explain.relevance import Maps, Relevance, Scene
from inspector.explain.subject import Subject, Variant
from inspector.explain.upsample import upsample
from inspector.objectives import readable

__all__ = ["ablationcam", "reciprocam", "scorecam"]


def scorecam(scene: Scene) -> Evidence:
    """Wang et al., Score-CAM, CVPR workshop 2020, algorithm 1: each channel, enlarged and scaled to
    [0, 1], masks the picture; the softmax over the channels of the scores that are left weighs them.

    Where the target is itself a probability (`score="output"` of a model with a softmax), the weights are these
    probabilities divided by their sum: a softmax of numbers in [0, 1] would make all channels nearly equal. A channel
    that is constant masks nothing and has no weight. One pass through the model per channel and image. Use it where
    gradients vanish or are noisy.
    """
    values = np.asarray(scene.folded(scene.values), dtype=np.float32)
    axes = tuple(range(2, values.ndim))
    shows = values.max(axis=axes) > values.min(axis=axes)
    pairs = np.argwhere(shows)
    scores = _finite(scene.source.scores(_seen_through(scene, values, pairs), len(pairs)))
    found = np.full(shows.shape, -np.inf)
    found[shows] = scores
    if _is_probability(scene.subject):
        weights = np.where(shows, found, 0.0)
    else:
        top = np.where(shows.any(axis=1, keepdims=True), found.max(axis=1, keepdims=True), 0.0)
        weights = np.exp(found - top)
    total = weights.sum(axis=1, keepdims=True)
    weights = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    return Evidence(values, weights=_over_places(weights, values))


def ablationcam(scene: Scene) -> Evidence:
    """Desai & Ramaswamy, Ablation-CAM, WACV 2020: a channel's weight is what the score loses without it.

    The paper divides by the score, which scales the map (and would turn it round where the score is negative): here the
    weights stay in the score's units. Only the model from the layer on is run, once per channel and image. Use it for a
    Grad-CAM that does not rest on the gradient's being representative.
    """
    beyond = scene.beyond
    places = positions(scene.folded, beyond.x, beyond.tensor)
    values = scene.folded(beyond.x)
    count, channels = values.shape[:2]
    channel_of = [_whole_channel(places, channel, beyond.x.shape[1:]) for channel in range(channels)]

    def without() -> Iterator[Variant]:
        for row in range(count):
            for gone in channel_of:
                changed = beyond.x[row].copy()
                changed.reshape(-1)[gone] = 0
                yield row, changed

    left = _finite(beyond.scores(without(), count * channels)).reshape(count, channels)
    weights = beyond.score[:, None] - left
    return Evidence(values, weights=_over_places(weights, values))


def reciprocam(scene: Scene) -> Relevance:
    """Byun & Lee, ReciproCAM, CVPR workshop 2024: the score with all but one place of the layer
    set to zero, place by place; the lowest is subtracted.

    Tokens that are no place (class tokens) stay, as in the authors' variant for transformers. The authors take the
    softmax's probability: `score="output"` of a model that ends with one. Only the model from the layer on is run, once
    per place and image: far fewer passes than channels. Use it where a gradient cannot be had or passes are dear.
    """
    beyond = scene.beyond
    places = positions(scene.folded, beyond.x, beyond.tensor)
    sides = places.shape[1:]
    by_place = places.reshape(len(places), -1)

    def alone() -> Iterator[Variant]:
        for row in range(len(beyond.x)):
            for kept in by_place.T:
                changed = beyond.x[row].copy()
                changed.reshape(-1)[by_place] = 0
                changed.reshape(-1)[kept] = beyond.x[row].reshape(-1)[kept]
                yield row, changed

    scores = _finite(beyond.scores(alone(), len(beyond.x) * by_place.shape[1])).reshape(len(beyond.x), -1)
    lowest = scores.min(axis=1, keepdims=True)
    return Relevance((scores - lowest).reshape(-1, *sides))


def _seen_through(scene: Scene, values: Maps, pairs: NDArray[np.int64]) -> Iterator[Variant]:
    """The input times each (sample, channel) of `pairs`, enlarged and scaled to [0, 1].

    Raises:
        LayerNotFound: the layer's places are not those of the input.
    """
    source = scene.source
    places = positions(scene.source_folded, source.x, source.tensor)
    sides = places.shape[1:]
    if len(sides) != values.ndim - 2:
        raise LayerNotFound(
            f"the map of '{scene.tensor}' has {values.ndim - 2} spatial axes and the input {len(sides)}: it is no mask"
        )
    laid_over = _laid_over(places, source.x.shape[1:])
    for row, channel in pairs:
        mask = upsample(values[row, channel][None], sides)[0]
        lowest = mask.min()
        spread = mask.max() - lowest
        yield int(row), source.x[row] * laid_over((mask - lowest) / spread if spread > 0 else mask * 0)


def _laid_over(places: NDArray[np.int64], sample: tuple[int, ...]) -> Callable[[Maps], Maps]:
    """From a mask over the places (C, spatial...) to what one sample is multiplied by: 1 where none of them lies."""
    if places.shape == sample and (places.ravel() == np.arange(places.size)).all():
        return lambda mask: mask

    def laid_over(mask: Maps) -> Maps:
        factors = np.ones(sample, mask.dtype)
        factors.reshape(-1)[places] = mask
        return factors

    return laid_over


def _finite(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(finite(lambda each: each, scores), dtype=np.float64)


def _is_probability(subject: Subject) -> bool:
    """Whether the score is made of what a softmax or a sigmoid returns."""
    from inspector.surgery.lookup import find_value

    graph = readable(subject.evaluator).graph
    for key in subject.objective.keys:
        node = find_value(graph, key.tensor).producer()
        while node is not None and node.op_type in ("Identity", "Cast", "Reshape", "Squeeze", "Flatten"):
            first = node.inputs[0]
            node = first.producer() if first is not None else None
        if key.transform != "raw" or node is None or node.op_type not in ("Softmax", "Sigmoid"):
            return False
    return True


def _whole_channel(places: NDArray[np.int64], channel: int, sample: tuple[int, ...]) -> NDArray[np.int64]:
    """The elements of a channel; where it is one index of an axis, also those of tokens that are no place."""
    mine: NDArray[np.int64] = places[channel].ravel()
    for axis, index in enumerate(np.unravel_index(mine, sample)):
        if sample[axis] == len(places) and (index == channel).all():
            mine = np.take(np.arange(np.prod(sample)).reshape(sample), channel, axis=axis).ravel()
    return mine


def _over_places(weights: NDArray[np.float64], values: Maps) -> Maps:
    """(N, C) to (N, C, 1, ...), in the type of the maps."""
    return weights.reshape(*weights.shape, *[1] * (values.ndim - 2)).astype(values.dtype)

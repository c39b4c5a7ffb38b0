"""What is to be excited: channels, single neurons, directions; the gradient of each at its layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspector.errors import LayerNotFound
from inspector.model import Layer, channel_axis

__all__ = ["Goal", "Neuron", "find_goal"]

Neuron = int | Sequence[int] | str
"""A place in the channels: coordinates along the layer's spatial axes, or "center"."""


@dataclass(frozen=True)
class Goal:
    """score[n] = sum over channels c and places p of vectors[n, c] * places[p] * values[n, c, p].

    Attributes:
        vectors: (n, C), float32: what each image's score takes of each channel.
        places: (spatial...), float32: equal shares, or one at a single neuron.
        axis: where the channels lie in the layer's tensor.
        names: of each image's goal, in words.
    """

    vectors: NDArray[np.float32]
    places: NDArray[np.float32]
    axis: int
    names: tuple[str, ...]

    def cotangent(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """The gradient of the scores of the images `rows` at the layer, in the layout that the layer has."""
        vectors = self.vectors[list(rows)].reshape(len(rows), -1, *[1] * self.places.ndim)
        return np.ascontiguousarray(np.moveaxis(vectors * self.places, 1, self.axis))

    def folded(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """(n, C, places) of the layer's values."""
        first = np.moveaxis(values, self.axis, 1)
        return first.reshape(*first.shape[:2], -1)

    def unfolded(self, folded: NDArray[np.floating]) -> NDArray[np.floating]:
        """The inverse of `folded`."""
        first = folded.reshape(*folded.shape[:2], *self.places.shape)
        return np.moveaxis(first, 1, self.axis)

    def score(self, values: NDArray[np.floating], rows: Sequence[int]) -> NDArray[np.float64]:
        """(n,): the scores of the images `rows`, given the layer's values for them."""
        per_channel = self.folded(values).astype(np.float64) @ self.places.ravel().astype(np.float64)
        scores: NDArray[np.float64] = (per_channel * self.vectors[list(rows)]).sum(axis=1)
        return scores


def find_goal(
    layer: Layer,
    shape: Sequence[int],
    channels: Sequence[int] | None = None,
    neuron: Neuron | None = None,
    direction: NDArray[np.floating] | None = None,
) -> Goal:
    """The goals of one image for each of `channels`, or of `direction`.

    Args:
        layer: a feature map, tokens, or one number per channel (logits: the goals are classes).
        shape: of its values, batch first.
        channels: their numbers; one named again gets another image. None: all.
        neuron: the place whose value counts; None: the mean over all.
        direction: (C,) or (n, C): in place of channels. Divided by its length.

    Raises:
        LayerNotFound: the layer has no such channel or place, or another number of channels than the direction.
    """
    if len(shape) < 2:
        raise LayerNotFound(f"layer '{layer.name}' {tuple(shape)} has no channels")
    # without a layout the features come last: (batch, features), (batch, tokens, features)
    axis = len(shape) - 1 if layer.layout is None else channel_axis(layer.layout)
    count = shape[axis]
    sides = tuple(shape[place] for place in range(1, len(shape)) if place != axis)
    places, where = _places(layer, sides, neuron)
    if direction is not None:
        vectors = _directions(layer, count, channels, direction)
        words = "direction" if len(vectors) == 1 else "direction {}"
        names = tuple(words.format(number) for number in range(len(vectors)))
    else:
        wanted = _channels(layer, count, channels)
        vectors = np.zeros((len(wanted), count), np.float32)
        vectors[range(len(wanted)), wanted] = 1
        names = tuple(f"channel {channel}" for channel in wanted)
    return Goal(vectors, places, axis, tuple(f"{layer.name} {name}{where}" for name in names))


def _channels(layer: Layer, count: int, channels: Sequence[int] | None) -> list[int]:
    wanted = list(range(count)) if channels is None else [int(channel) for channel in channels]
    if not wanted:
        raise LayerNotFound(f"no channel of layer '{layer.name}' is named: give some, or None for all")
    for channel in wanted:
        if not 0 <= channel < count:
            raise LayerNotFound(f"layer '{layer.name}' has channels 0 to {count - 1}, not {channel}")
    return wanted


def _directions(
    layer: Layer, count: int, channels: Sequence[int] | None, direction: NDArray[np.floating]
) -> NDArray[np.float32]:
    if channels is not None:
        raise LayerNotFound("a direction stands in place of channels: give one or the other")
    vectors = np.atleast_2d(np.asarray(direction, dtype=np.float64))
    if vectors.ndim != 2 or vectors.shape[1] != count:
        raise LayerNotFound(
            f"a direction in layer '{layer.name}' has {count} numbers, one per channel; given {np.shape(direction)}"
        )
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(length).all() or not length.all():
        raise LayerNotFound("a direction must be finite and have a length above 0")
    unit: NDArray[np.float32] = (vectors / length).astype(np.float32)
    return unit


def _places(layer: Layer, sides: tuple[int, ...], neuron: Neuron | None) -> tuple[NDArray[np.float32], str]:
    """The share that each place has in the score, and where that is, in words."""
    if neuron is None:
        return np.full(sides, 1 / np.prod(sides), np.float32), ""
    if isinstance(neuron, str):
        if neuron not in ("center", "centre"):
            raise LayerNotFound(f"no neuron '{neuron}': give its place, or 'center'")
        place = tuple(side // 2 for side in sides)
    else:
        place = (int(neuron),) if isinstance(neuron, int) else tuple(map(int, neuron))
    inside = len(place) == len(sides) and all(0 <= one < side for one, side in zip(place, sides, strict=True))
    if not inside:
        size = " x ".join(map(str, sides))
        raise LayerNotFound(
            f"layer '{layer.name}' has no neuron at {place}: its channels are {size}, counted from 0"
            if sides
            else f"the channels of layer '{layer.name}' are single neurons: leave the place out"
        )
    places = np.zeros(sides, np.float32)
    places[place] = 1
    return places, f" at {', '.join(map(str, place))}" if place else ""

"""What a channel answers to most among given images: the crops of them that its strongest places see."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError, LayerNotFound
from inspector.explain import input_layout
from inspector.explain.geometry import channels_first, layout_grid
from inspector.explain.targeted import find_places
from inspector.features.receptive import Window, windows_of
from inspector.model import Layer, spatial_axes
from inspector.objectives import Entry, Evaluator
from inspector.session import Array

__all__ = ["Crop", "top_crops"]

# images that are run at once
BATCH = 16


@dataclass(frozen=True)
class Crop:
    """Where a channel is strongest in one image.

    Attributes:
        image: its number among those given.
        score: the channel's value there.
        place: in the channel; empty where it is a single number.
        box: begin and end (not included) in the model's input, for each spatial axis: the place's receptive field
            within the image, or where that cannot be derived three cells of the layer's grid.
        pixels: (C, spatial...): the model's input in the box, in its own units.
    """

    image: int
    score: float
    place: tuple[int, ...]
    box: tuple[tuple[int, int], ...]
    pixels: NDArray[np.floating] = field(repr=False)


def top_crops(
    evaluator: Evaluator,
    entry: Entry,
    layer: Layer,
    channels: Sequence[int],
    images: Iterable[Array],
    count: int = 9,
    batch: int = BATCH,
    progress: Callable[[int], None] | None = None,
) -> list[list[Crop]]:
    """The images in which each of `channels` is strongest, strongest first, cropped to what the strongest place sees.

    One crop per image, as in Zeiler & Fergus, "Visualizing and Understanding Convolutional
    Networks", ECCV 2014, fig. 2.
    Made images (`maximize`) show what could excite a channel; these show what does. All channels take one pass.

    Args:
        evaluator: of the model.
        entry: the input that takes the images.
        layer: a feature map or tokens; of a layer with one number per channel the whole images are shown.
        channels: their numbers.
        images: arrays with a batch axis, one after the other; they need not be held at once.
        count: how many crops to each channel.
        batch: how many images are run at once, where they are of one size.
        progress: called with the number of images done.

    Raises:
        LayerNotFound: the layer has no such channel.
        InputError: there is no image, or the model has other inputs besides.
    """
    others = [tensor.name for tensor in evaluator.model.inputs if tensor.name != entry.input.name]
    if others:
        raise InputError(f"crops are found for models with a single input; this one also takes '{others[0]}'")
    view = _View(evaluator, entry, layer)
    # ties go to the image that came first
    best: list[list[tuple[float, int, Crop]]] = [[] for _ in channels]
    done = 0
    for group in _batches(images, batch):
        maps = view.folded(group)
        for found, channel in zip(best, channels, strict=True):
            if not 0 <= channel < maps.shape[1]:
                raise LayerNotFound(
                    f"layer '{layer.name}' has channels 0 to {maps.shape[1] - 1}, not {channel}"
                )
            flat = maps[:, channel].reshape(len(maps), -1)
            # a value that is not a number is no answer
            strongest = np.where(np.isnan(flat), -np.inf, flat)
            for row, at in enumerate(strongest.argmax(axis=1)):
                score = float(strongest[row, at])
                if len(found) < count or score > found[0][0]:
                    place = tuple(int(i) for i in np.unravel_index(at, maps.shape[2:]))
                    crop = view.crop(group[row], maps.shape[2:], place, done + row, score)
                    heapq.heappush(found, (score, -crop.image, crop))
                    if len(found) > count:
                        heapq.heappop(found)
        done += len(group)
        if progress is not None:
            progress(done)
    if not done:
        raise InputError("there is no image to look for crops in")
    return [[crop for *_, crop in sorted(found, reverse=True, key=lambda each: each[:2])] for found in best]


class _View:
    """One layer as maps over the input."""

    def __init__(self, evaluator: Evaluator, entry: Entry, layer: Layer) -> None:
        self._evaluator = evaluator
        self._entry = entry
        self._layer = layer
        self._layout = input_layout(evaluator.model, entry.input)
        self._windows: tuple[Window, ...] | None = None
        if self._layout is not None:
            spatial = spatial_axes(self._layout)
            self._windows = windows_of(
                evaluator.model.graph, entry.input.name, spatial, len(self._layout), layer.name
            )

    def folded(self, group: Array) -> NDArray[np.floating]:
        """(n, C, places...) of the layer's values; without places where it is no map over the input."""
        name = self._layer.name
        feeds = {self._entry.input.name: group}
        values = self._evaluator.values(feeds, [name])[name]
        if values.ndim > 2:
            grid = find_places(self._evaluator, self._entry, feeds).grid(name, values.shape)
            if grid is None and self._layer.layout is not None:
                grid = layout_grid(values.shape, self._layer.layout)
            if grid is not None:
                return grid.fold(values)
        strongest: NDArray[np.floating] = values.reshape(len(values), -1, values.shape[-1]).max(axis=1)
        return strongest

    def crop(
        self, sample: Array, sides: tuple[int, ...], place: tuple[int, ...], number: int, score: float
    ) -> Crop:
        pixels = channels_first(sample[None], self._layout)[0]
        whole = pixels.shape[1:]
        if not sides or len(sides) != len(whole):
            box = tuple((0, side) for side in whole)
        elif self._windows is not None:
            box = tuple(
                window.pixels(at, side) for window, at, side in zip(self._windows, place, whole, strict=True)
            )
        else:
            box = tuple(_around(at, cells, side) for at, cells, side in zip(place, sides, whole, strict=True))
        inside = pixels[(slice(None), *(slice(*ends) for ends in box))]
        return Crop(number, score, place, box, inside.copy())


def _around(place: int, cells: int, side: int) -> tuple[int, int]:
    """The pixels of a cell and of its neighbours: cell i of n covers [i, i + 1) / n of the side."""
    return max(place - 1, 0) * side // cells, -(-min(place + 2, cells) * side // cells)


def _batches(images: Iterable[Array], batch: int) -> Iterator[Array]:
    """The same samples in groups of at most `batch`, as far as neighbours have the same shape."""
    samples = (sample for array in images for sample in array)
    for _, alike in itertools.groupby(samples, key=np.shape):
        while group := list(itertools.islice(alike, batch)):
            yield np.stack(group)

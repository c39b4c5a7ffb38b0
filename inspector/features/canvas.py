"""The model's input as a picture: its layout, its units, and a blank one to start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError
from inspector.explain import input_layout
from inspector.explain.geometry import channels_first
from inspector.model import InputSpec, TensorInfo, channel_axis, spatial_axes
from inspector.objectives import Evaluator

__all__ = ["Canvas", "Images", "find_canvas"]

Images = NDArray[np.floating]
"""(n, C, spatial...), or (n, 1, features) for an input that is no picture."""

# height and width of the images for a model that takes any
ANY_SIZE = 224
# half the width of the noise that breaks the symmetry of the blank image, as a share of the input's range
NOISE = 0.04


@dataclass(frozen=True)
class Canvas:
    """What the images of one ascent have in common.

    Attributes:
        layout: of the input; None: it has no channels and no places.
        shape: of one sample, as the model takes it.
        dtype: of the input.
        low, high: range of a picture's values before `mean` is subtracted and `std` divided by.
        mean, std: per channel, broadcastable to (C, spatial...).
        channels: "RGB", "BGR", ... where it is known.
    """

    layout: str | None
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    low: float
    high: float
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    channels: str | None

    @property
    def span(self) -> NDArray[np.float64]:
        """The width of the range in the input's own units, broadcastable to (C, spatial...)."""
        return np.asarray((self.high - self.low) / self.std)

    @property
    def sides(self) -> tuple[int, ...]:
        """Height and width, or however many spatial axes there are; empty where there is none."""
        return (
            () if self.layout is None else tuple(self.shape[axis - 1] for axis in spatial_axes(self.layout))
        )

    def blank(self, seed: Sequence[int] | int) -> Images:
        """(C, spatial...): the middle of the range, with a little noise."""
        noise = np.random.default_rng(seed).uniform(-NOISE, NOISE, self.shape)
        noise = channels_first(noise[None], self.layout)[0]
        middle = (self.low + self.high) / 2 - self.mean
        return np.asarray(middle / self.std + noise * (self.high - self.low) / self.std, self.dtype)

    def amounts(self, images: Images) -> Images:
        """Of values in the input's units: where they lie between the ends of the range, which are 0 and 1."""
        return (images * self.std + self.mean - self.low) / (self.high - self.low)

    def values(self, amounts: Images) -> Images:
        """The inverse of `amounts`."""
        return (self.low + amounts * (self.high - self.low) - self.mean) / self.std

    def fed(self, images: Images) -> Images:
        """As the model takes them: (n, ...) in its layout and type."""
        if self.layout is None or "C" not in self.layout:
            images = images.reshape(len(images), *self.shape)
        else:
            images = np.moveaxis(images, 1, channel_axis(self.layout))
        return np.ascontiguousarray(images, dtype=self.dtype)

    def seen(self, arrays: Images) -> Images:
        """The inverse of `fed`: (n, C, spatial...)."""
        return channels_first(arrays, self.layout)


def find_canvas(
    evaluator: Evaluator,
    image: TensorInfo,
    size: Sequence[int] | None = None,
    recipe: InputSpec | None = None,
) -> Canvas:
    """The canvas of the input `image`.

    Args:
        evaluator: of the model.
        image: the input.
        size: spatial shape for a model that takes any; None: that of the recipe, else 224.
        recipe: how a picture becomes the input; None: what the metadata say, else values from 0 to 1.

    Raises:
        InputError: the input's shape is unknown, or it holds integers.
    """
    spec = recipe or evaluator.model.metadata.input or InputSpec()
    layout = input_layout(evaluator.model, image)
    shape = _sample_shape(image, layout, size or spec.size)
    dtype = np.dtype(image.dtype or "float32")
    if dtype.kind != "f":
        raise InputError(
            f"input '{image.name}' takes {dtype.name}: only floating-point numbers can be moved along a gradient"
        )
    low, high = spec.range or (0.0, 1.0)
    places = len(shape) - 1 if layout is not None and "C" in layout else len(shape)
    mean, std = (_per_channel(given, plain, places) for given, plain in ((spec.mean, 0.0), (spec.std, 1.0)))
    return Canvas(layout, shape, dtype, low, high, mean, std, spec.channels)


def _per_channel(values: Sequence[float] | None, plain: float, places: int) -> NDArray[np.float64]:
    """Broadcastable to (C, spatial...)."""
    if values is None:
        return np.asarray(plain)
    return np.asarray(values, dtype=np.float64).reshape(-1, *[1] * places)


def _sample_shape(image: TensorInfo, layout: str | None, size: Sequence[int] | None) -> tuple[int, ...]:
    if image.shape is None:
        raise InputError(f"the shape of input '{image.name}' is unknown: no blank image can be made for it")
    shape: list[int] = []
    spatial = list(size or ())
    for axis, dim in enumerate(image.shape[1:], start=1):
        is_channel = layout is not None and "C" in layout and axis == channel_axis(layout)
        wanted = None if is_channel or not spatial else spatial.pop(0)
        shape.append(dim if isinstance(dim, int) else 3 if is_channel else wanted or ANY_SIZE)
    return tuple(shape)

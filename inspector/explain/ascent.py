"""What a channel responds to most: gradient ascent on the input, from a blank image."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError, LayerNotFound
from inspector.explain.geometry import channels_first, input_layout
from inspector.model import InputSpec, Layer, TensorInfo, channel_axis
from inspector.objectives import Evaluator, Objective, TermKey

__all__ = ["blank_images", "maximize"]

Progress = Callable[[int, int], None]

# height and width of the images for a model that takes any
ANY_SIZE = 224
# half the width of the noise that breaks the symmetry of the blank image, as a share of the input's range
NOISE = 0.04


def maximize(
    evaluator: Evaluator,
    image: TensorInfo,
    layer: Layer,
    channels: Sequence[int] | None = None,
    steps: int = 30,
    seed: int = 0,
    step: float = 0.02,
    size: tuple[int, ...] | None = None,
    start: NDArray[np.floating] | None = None,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Images that raise a channel's mean activation, all channels in one batch: (n, C, H, W).

    Activation maximisation (Erhan et al., Visualizing Higher-Layer Features of a Deep Network, 2009) with the gradient
    divided by its root mean square per image, as in Chollet's "How convolutional neural networks see the world" (2016).
    Values are in the units of the model's input and may leave its range.

    Args:
        evaluator: of the model.
        image: the input to be changed.
        layer: a feature map, or a layer of one number per channel (logits give class images).
        channels: their numbers; None: all.
        steps: of the ascent.
        seed: of the noise on the blank image.
        step: length of a step, as a share of the input's range.
        size: spatial shape for a model that takes any; None: that of the metadata, else 224.
        start: image to start from, (C, H, W) or one for each channel; None: mid range with a little noise.
        progress: called with (steps done, steps).

    Raises:
        LayerNotFound: the layer has no such channel.
        InputError: the model has other inputs besides the image.
        NotDifferentiable: an operator without a derivative lies before the layer.
    """
    others = [tensor.name for tensor in evaluator.model.inputs if tensor.name != image.name]
    if others:
        raise InputError(f"images are made for models with a single input; this one also takes '{others[0]}'")
    layout = input_layout(evaluator.model, image)
    span = _span(evaluator.model.metadata.input, image, layout)
    blank = blank_images(evaluator, image, 1, seed, size)
    if start is not None:
        blank = _from_channels_first(np.atleast_2d(start)[None] if start.ndim < blank.ndim else start, layout)
    values = evaluator.values({image.name: blank[:1]}, [layer.name])[layer.name]
    axis, places = _channel_places(layer, values.shape)
    wanted = list(range(values.shape[axis])) if channels is None else [int(channel) for channel in channels]
    if not wanted:
        raise LayerNotFound(f"no channel of layer '{layer.name}' is named: give some, or None for all")
    for channel in wanted:
        if not 0 <= channel < values.shape[axis]:
            raise LayerNotFound(
                f"layer '{layer.name}' has channels 0 to {values.shape[axis] - 1}, not {channel}"
            )
    rows = np.stack([places[channel] for channel in wanted])
    objective = Objective(
        keys=(TermKey(layer.name),),
        index=(rows,),
        sign=(np.ones(rows.shape, np.float32),),
        weight=(np.full(rows.shape, 1 / rows.shape[1], np.float32),),
        description=tuple(f"{layer.name} channel {channel}" for channel in wanted),
        own=(None,) * len(wanted),
    )
    images = np.broadcast_to(blank, (len(wanted), *blank.shape[1:])).copy()
    sample = tuple(range(1, images.ndim))
    for number in range(steps):
        gradient = evaluator.gradients({image.name: images}, objective, [image.name]).gradients[image.name]
        length = np.sqrt(np.mean(np.square(gradient, dtype=np.float64), axis=sample, keepdims=True))
        direction = np.divide(gradient, length, out=np.zeros(gradient.shape), where=length > 0)
        images += (step * span * direction).astype(images.dtype)
        if progress is not None:
            progress(number + 1, steps)
    return np.ascontiguousarray(channels_first(images, layout), dtype=np.float32)


def blank_images(
    evaluator: Evaluator, image: TensorInfo, count: int, seed: int, size: tuple[int, ...] | None = None
) -> NDArray[np.floating]:
    """`count` equal images in the middle of the input's range, with a little noise, as the model takes them."""
    spec = evaluator.model.metadata.input
    layout = input_layout(evaluator.model, image)
    shape = _sample_shape(image, layout, size or (spec.size if spec is not None else None))
    low, high = spec.range if spec is not None and spec.range else (0.0, 1.0)
    noise = np.random.default_rng(seed).uniform(-NOISE, NOISE, shape)
    mean = _per_channel(spec.mean if spec is not None else None, 0.0, layout, len(shape))
    blank = (low + high) / 2 - mean
    std = _per_channel(spec.std if spec is not None else None, 1.0, layout, len(shape))
    one = blank / std + noise * (high - low) / std
    return np.broadcast_to(one, (count, *shape)).astype(image.dtype or "float32")


def _span(spec: InputSpec | None, image: TensorInfo, layout: str | None) -> NDArray[np.float64]:
    """The width of the input's range, in its own units, broadcastable to one image."""
    low, high = spec.range if spec is not None and spec.range else (0.0, 1.0)
    rank = len(image.shape or ()) - 1
    return np.asarray((high - low) / _per_channel(spec.std if spec is not None else None, 1.0, layout, rank))


def _per_channel(
    values: Sequence[float] | None, default: float, layout: str | None, rank: int
) -> NDArray[np.float64]:
    if values is None or layout is None:
        return np.asarray(default)
    shape = [1] * rank
    shape[channel_axis(layout) - 1] = -1
    return np.asarray(values, dtype=np.float64).reshape(shape)


def _sample_shape(image: TensorInfo, layout: str | None, size: Sequence[int] | None) -> tuple[int, ...]:
    if image.shape is None:
        raise InputError(f"the shape of input '{image.name}' is unknown: no blank image can be made for it")
    shape: list[int] = []
    spatial = list(size or ())
    for axis, dim in enumerate(image.shape[1:], start=1):
        is_channel = layout is not None and axis == channel_axis(layout)
        wanted = None if is_channel or not spatial else spatial.pop(0)
        shape.append(dim if isinstance(dim, int) else 3 if is_channel else wanted or ANY_SIZE)
    return tuple(shape)


def _channel_places(layer: Layer, shape: tuple[int, ...]) -> tuple[int, NDArray[np.int64]]:
    """The channel axis, and for each channel the flat indices of its elements in one sample."""
    if len(shape) < 2:
        raise LayerNotFound(f"layer '{layer.name}' {shape} has no channels")
    # without a layout the features come last: (batch, features), (batch, tokens, features)
    axis = len(shape) - 1 if layer.layout is None else channel_axis(layer.layout)
    places = np.arange(math.prod(shape[1:]), dtype=np.int64).reshape(shape[1:])
    return axis, np.moveaxis(places, axis - 1, 0).reshape(shape[axis], -1)


def _from_channels_first(images: NDArray[np.floating], layout: str | None) -> NDArray[np.floating]:
    return images if layout is None else np.moveaxis(images, 1, channel_axis(layout))

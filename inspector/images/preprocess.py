"""From 8-bit pixels to the numbers a model was trained on: layout, channels, size, range, mean and deviation.

value = (pixel / 255, scaled to the range, - mean) / std, per channel. Where the rule comes from, in this order: a
preset or options given by the caller, the model's metadata (`onnxlens.input`), or an assumption that is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inspector.errors import InputError
from inspector.images.fit import FITS, Placement, fit_picture
from inspector.images.layout import CHANNELS_FOR, describe, picture_layout
from inspector.model.layer import Dim, TensorInfo
from inspector.model.metadata import InputSpec, Metadata

__all__ = ["PRESETS", "Preprocessing", "picture_input", "preprocessing_for"]


@dataclass(frozen=True)
class Scaling:
    """Pixel range, then mean and deviation per channel (one number serves all), in the tensor's channel order."""

    low: float = 0.0
    high: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    channels: str | None = None  # RGB or BGR, where it is part of the recipe


PRESETS: dict[str, Scaling] = {
    # torchvision, timm: Deng et al.'s ILSVRC means and deviations
    "imagenet": Scaling(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), channels="RGB"),
    "unit": Scaling(),
    # Keras "tf" mode: MobileNet, Inception
    "signed": Scaling(low=-1.0),
    # Keras "caffe" mode: VGG, ResNet v1
    "caffe": Scaling(high=255.0, mean=(103.939, 116.779, 123.68), channels="BGR"),
    "raw": Scaling(high=255.0),
}


@dataclass(frozen=True)
class Preprocessing:
    """Everything that turns a picture into one sample of the model's input, and back."""

    input_name: str
    layout: str  # NCHW, NHWC, CHW or HWC
    channels: str  # RGB, BGR or L
    size: tuple[int, int] | None  # (H, W); None: each picture's own
    dtype: np.dtype[Any]
    scaling: Scaling
    fit: str = "crop"
    notes: tuple[str, ...] = ()

    def apply(self, rgb: NDArray[np.uint8]) -> tuple[NDArray[Any], Placement]:
        """The tensor of one picture, (1, ...) where the layout has a batch axis, and its placement."""
        image = Image.fromarray(rgb)
        if self.channels == "L":
            image = image.convert("L")
        fitted, placement = fit_picture(image, self.size or (image.height, image.width), self.fit)
        pixels = np.asarray(fitted, dtype=np.float64)
        pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
        pixels = pixels[:, :, ::-1] if self.channels == "BGR" else pixels
        return self._tensor(pixels), placement

    def _tensor(self, pixels: NDArray[np.float64]) -> NDArray[Any]:
        s = self.scaling
        values = (pixels / 255.0 * (s.high - s.low) + s.low - np.array(s.mean)) / np.array(s.std)
        if self.layout.endswith("CHW"):
            values = values.transpose(2, 0, 1)
        if self.layout.startswith("N"):
            values = values[None]
        if self.dtype.kind in "iu":
            limits = np.iinfo(self.dtype)
            values = np.clip(np.rint(values), limits.min, limits.max)
        return np.ascontiguousarray(values.astype(self.dtype))

    def picture_of(self, sample: NDArray[Any]) -> NDArray[np.uint8] | None:
        """The 8-bit RGB picture that `sample` (without batch axis) shows; None where it has no picture's shape.

        Values outside the range are clipped.
        """
        values = np.asarray(sample, dtype=np.float64)
        if values.ndim != 3:
            return None
        if self.layout.endswith("CHW"):
            values = values.transpose(1, 2, 0)
        if values.shape[2] != len(self.channels):
            return None
        s = self.scaling
        pixels = (values * np.array(s.std) + np.array(s.mean) - s.low) / (s.high - s.low) * 255.0
        pixels = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
        if self.channels == "BGR":
            pixels = pixels[:, :, ::-1]
        return np.repeat(pixels, 3, axis=2) if self.channels == "L" else np.ascontiguousarray(pixels)


def picture_input(inputs: Sequence[TensorInfo]) -> TensorInfo:
    """The input that takes a picture: the first shaped like one, else the first of all.

    Raises InputError for a model without inputs.
    """
    if not inputs:
        raise InputError("the model has no input.")
    return next((i for i in inputs if picture_layout(i.shape, None) is not None), inputs[0])


def preprocessing_for(
    spec: TensorInfo,
    metadata: Metadata | None = None,
    *,
    preset: str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    size: tuple[int, int] | None = None,
    bgr: bool = False,
    fit: str = "crop",
) -> Preprocessing:
    """The pre-processing for the input `spec`.

    `mean` and `std` are in the units of the range and in the
    tensor's channel order. Raises InputError where the input takes no pictures or the options contradict it.
    """
    if fit not in FITS:
        raise InputError(f"no way {fit!r} to fit a picture: choose {', '.join(FITS)}.")
    recipe = (metadata and metadata.input) or InputSpec()
    layout = picture_layout(spec.shape, recipe.layout)
    if layout is None or spec.shape is None:
        raise InputError(
            f"the input {describe(spec)} does not take a picture (1 or 3 channels, a height and a width): "
            "give the tensor as .npy."
        )
    try:
        dtype = np.dtype(spec.dtype or np.float32)
    except TypeError:
        raise InputError(
            f"the input {describe(spec)} does not take a picture, whose pixels are numbers: give the tensor as .npy."
        ) from None
    scaling, notes = _scaling(recipe, preset, dtype)
    count = _channel_count(spec.shape, layout, recipe)
    channels = _channels(count, recipe, scaling, bgr, preset)
    if channels == "BGR" and scaling.channels == "RGB":
        scaling = replace(scaling, mean=scaling.mean[::-1], std=scaling.std[::-1])
    scaling = _overridden(scaling, mean, std, count)
    own = _fixed_size(spec.shape, layout) or size or recipe.size
    if size is not None and own != size:
        raise InputError(
            f"the input {describe(spec)} takes pictures of {_by(own)}, not {_by(size)} (--size)."
        )
    if own is None:
        notes.append("the model takes any size: each picture keeps its own (choose another with --size).")
    return Preprocessing(spec.name, layout, channels, own, dtype, scaling, fit, tuple(notes))


def _by(size: tuple[int, int] | None) -> str:
    return "any size" if size is None else f"{size[0]}x{size[1]}"


def _scaling(recipe: InputSpec, preset: str | None, dtype: np.dtype[Any]) -> tuple[Scaling, list[str]]:
    if preset is not None:
        if preset not in PRESETS:
            raise InputError(f"no preset {preset!r}: choose {', '.join(PRESETS)}.")
        return PRESETS[preset], []
    if recipe.range or recipe.mean or recipe.std:
        low, high = recipe.range or (0.0, 1.0)
        return Scaling(low, high, recipe.mean or (0.0,), recipe.std or (1.0,)), []
    if dtype.kind in "iu":
        return PRESETS["raw"], []
    return PRESETS["unit"], [
        "the model does not say how its pictures are scaled: values from 0 to 1 are assumed "
        f"(choose with --preset {'|'.join(PRESETS)})."
    ]


def _channel_count(shape: Sequence[Dim], layout: str, recipe: InputSpec) -> int:
    size = shape[layout.index("C")]
    if isinstance(size, int) and size > 0:
        return size
    return 1 if recipe.channels == "L" else 3


def _channels(count: int, recipe: InputSpec, scaling: Scaling, bgr: bool, preset: str | None) -> str:
    if count == 1:
        if bgr:
            raise InputError("the model takes one grey channel: --bgr does not apply.")
        return CHANNELS_FOR[1]
    if bgr:
        return "BGR"
    named = scaling.channels if preset is not None else recipe.channels
    return "BGR" if named == "BGR" else CHANNELS_FOR[3]


def _overridden(
    scaling: Scaling, mean: Sequence[float] | None, std: Sequence[float] | None, count: int
) -> Scaling:
    if mean is not None:
        scaling = replace(scaling, mean=tuple(mean))
    if std is not None:
        scaling = replace(scaling, std=tuple(std))
    for name, values in (("mean", scaling.mean), ("std", scaling.std)):
        if len(values) not in (1, count):
            raise InputError(
                f"{name} has {len(values)} numbers, the model's input {count} channel{'s' if count > 1 else ''}: "
                f"give 1 or {count}."
            )
    if any(s == 0 for s in scaling.std):
        raise InputError("std has a 0: pixels cannot be divided by it.")
    reach = max(abs(scaling.low), abs(scaling.high))
    if mean is not None and max(map(abs, scaling.mean)) > max(reach, 1.0) * 1.5:
        raise InputError(
            f"mean {', '.join(f'{m:g}' for m in scaling.mean)} lies outside the range {scaling.low:g} to "
            f"{scaling.high:g}: for means of 0-255 pixels add --preset raw."
        )
    return scaling


def _fixed_size(shape: Sequence[Dim], layout: str) -> tuple[int, int] | None:
    height, width = shape[layout.index("H")], shape[layout.index("W")]
    if isinstance(height, int) and isinstance(width, int) and height > 0 and width > 0:
        return height, width
    return None

"""What stands for the absence of a feature: what perturbations put in and paths of gradients start from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inspector.errors import InputError
from inspector.explain.geometry import input_layout
from inspector.model import channel_axis, spatial_axes
from inspector.session import Array

if TYPE_CHECKING:
    from inspector.explain.relevance import Scene

__all__ = ["Baseline", "Named", "input_baseline", "source_baseline"]

Named = Literal["zero", "black", "mean", "blur"]
Baseline: TypeAlias = "Named | float | ArrayLike"

# standard deviation of the blur as a share of each side: 11 pixels of 224
BLUR = 1 / 20


def input_baseline(scene: Scene, choice: Baseline) -> Array:
    """The baseline of each sample of the model's input, of its shape and dtype.

    Args:
        scene: whose input it takes the place of.
        choice: "zero"; "black": pixels of zero as the file's metadata normalises them, without such metadata each
            channel's lowest value in the sample; "mean": each channel's mean over the sample; "blur": the sample
            blurred by a Gaussian of a twentieth of each side; a number in the input's own units (of token ids an id,
            such as the padding's); an array that broadcasts to a sample or to the batch, or one number per channel. Of
            an input of words it is the word itself, "zero" the empty one.

    Raises:
        InputError: there is no such baseline, it does not fit the input, or the input's numbers are codes, of which
            there is no mean.
    """
    x = scene.subject.x
    layout = input_layout(scene.subject.evaluator.model, scene.entry.input)
    if layout is not None and len(layout) != x.ndim:
        layout = None
    if x.dtype.kind in "OUS":
        return _words(choice, x)
    if not isinstance(choice, str):
        return _given(np.asarray(choice), x, layout)
    if choice not in get_args(Named):
        raise InputError(
            f"there is no baseline '{choice}': give {', '.join(get_args(Named))}, a number or an array"
        )
    if choice == "zero":
        return np.zeros_like(x)
    if scene.entry.reads_tokens:
        raise InputError(
            f"baseline '{choice}': the input's numbers are codes, which have no {choice}: give the code that "
            "stands for nothing (baseline=0), such as the padding's"
        )
    made = _black(scene, x, layout) if choice == "black" else _mean(x, layout)
    return _as(_blurred(x, layout) if choice == "blur" else made, x)


def source_baseline(scene: Scene, choice: Baseline) -> Array:
    """The baseline at the first floating-point tensor: of token ids, the embeddings of the ids of `input_baseline`.

    Raises:
        InputError: as for `input_baseline`.
    """
    given = input_baseline(scene, choice)
    name = scene.entry.tensor
    if name == scene.subject.tensor:
        return given
    feeds = {**scene.subject.feeds, scene.subject.tensor: given}
    return scene.subject.evaluator.values(feeds, [name])[name]


def _words(choice: Baseline, x: Array) -> Array:
    words = np.asarray("" if choice == "zero" else choice, dtype=object)
    # an array of fixed width would cut a longer word off
    longest = max((len(str(word)) for word in words.ravel()), default=0)
    if words.ndim > x.ndim or (x.dtype.kind != "O" and longest > np.char.str_len(x).max()):
        raise InputError(
            "a baseline of words is one word no longer than the input's longest, or an array of them"
        )
    return np.broadcast_to(words, x.shape).astype(x.dtype)


def _given(array: Array, x: Array, layout: str | None) -> Array:
    """A number, one per channel, or what broadcasts."""
    if array.dtype.kind not in "biuf":
        raise InputError(f"a baseline is made of numbers, not of {array.dtype}")
    if not np.isfinite(array).all():
        raise InputError("a baseline is made of finite numbers")
    if layout is not None and "C" in layout and array.ndim == 1 and array.size == _channels(x, layout):
        array = _per_channel(array, layout)
    try:
        whole = np.broadcast_to(array, x.shape)
    except ValueError:
        raise InputError(f"a baseline of shape {array.shape} does not fit the input's {x.shape}") from None
    return _as(whole, x)


def _as(array: Array, x: Array) -> Array:
    """`array` in the input's dtype, whole numbers where that holds nothing else."""
    if x.dtype.kind not in "iu":
        return np.asarray(array, dtype=x.dtype)
    limits = np.iinfo(x.dtype)
    whole = np.rint(array)
    if (whole < limits.min).any() or (whole > limits.max).any():
        raise InputError(f"the baseline leaves what the input's {x.dtype.name} can hold")
    return np.asarray(whole, dtype=x.dtype)


def _black(scene: Scene, x: Array, layout: str | None) -> NDArray[np.floating]:
    said = scene.subject.evaluator.model.metadata.input
    if said is None or said.range is None:
        return np.broadcast_to(x.min(axis=_places(x, layout), keepdims=True), x.shape)
    black = (said.range[0] - np.asarray(said.mean or 0.0)) / np.asarray(said.std or 1.0)
    if black.ndim and layout is not None and black.size == _channels(x, layout):
        black = _per_channel(black, layout)
    return np.broadcast_to(black, x.shape)


def _mean(x: Array, layout: str | None) -> NDArray[np.floating]:
    return np.broadcast_to(x.mean(axis=_places(x, layout), keepdims=True), x.shape)


def _blurred(x: Array, layout: str | None) -> NDArray[np.floating]:
    blurred = x.astype(np.float32)
    for axis in _places(x, layout):
        side = x.shape[axis]
        distance = np.subtract.outer(np.arange(side), np.arange(side)) / (BLUR * side)
        weights = np.exp(-(distance**2) / 2)
        # what would lie beyond the border takes no part
        matrix = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
        blurred = np.moveaxis(np.moveaxis(blurred, axis, -1) @ matrix.T, -1, axis)
    return blurred


def _places(x: Array, layout: str | None) -> tuple[int, ...]:
    return tuple(range(1, x.ndim)) if layout is None else tuple(spatial_axes(layout))


def _channels(x: Array, layout: str) -> int:
    return int(x.shape[channel_axis(layout)]) if "C" in layout else 1


def _per_channel(array: Array, layout: str) -> Array:
    return array.reshape([-1 if letter == "C" else 1 for letter in layout])

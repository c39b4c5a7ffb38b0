"""What the report needs to know of one model, as arrays: activations, filters, heatmaps and their checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from inspector.check import GradientCheck
    from inspector.lens import Inspector
    from inspector.model.layer import Layer

__all__ = [
    "Filters",
    "Heat",
    "LayerMaps",
    "Progress",
    "Sample",
    "channels_first",
    "first_convolution",
    "study_filters",
    "study_heat",
    "study_layers",
]

Array = NDArray[Any]
Sample = Array | Mapping[str, Array]
"""One array, or one per input name, with a batch axis of one."""
Progress = Callable[[str], None]
"""Called with a few words each time a step begins."""


@dataclass(frozen=True)
class LayerMaps:
    """One layer's feature maps (n, C, H, W) of the pictures shown."""

    name: str
    kind: str
    maps: Array = field(repr=False)


@dataclass(frozen=True)
class Filters:
    """Filters of one convolution: ``channels`` shown of ``total``, pictures (n, C, H, W), kernels (n, C, h, w)."""

    layer: str
    total: int
    channels: tuple[int, ...]
    maximised: Array = field(repr=False)
    kernels: Array = field(repr=False)


@dataclass(frozen=True)
class Heat:
    """One image's heatmap at the input's size, in [0, 1], or [-1, 1] where ``signed``, and its gradient's check."""

    caption: str
    target: str
    method: str
    layer: str
    kind: str
    score: float
    heatmap: Array = field(repr=False)
    signed: bool = False
    notes: tuple[str, ...] = ()
    check: GradientCheck | None = None


def channels_first(maps: Array, layout: str | None) -> Array:
    """(N, H, W, C) to (N, C, H, W) where the layer is laid out so; anything else as it is."""
    return np.moveaxis(maps, -1, 1) if layout == "NHWC" else maps


def study_layers(lens: Inspector, x: Array, layers: Mapping[str, str]) -> list[LayerMaps]:
    """The feature maps of the layers named (name to kind), in their order."""
    found = {name: lens.resolve_layer(name) for name in layers}
    values = lens.activations(x, layers=list(found))
    return [
        LayerMaps(name, kind, channels_first(np.asarray(values[found[name].name]), found[name].layout))
        for name, kind in layers.items()
    ]


def first_convolution(lens: Inspector) -> Layer | None:
    """The first two-dimensional convolution with kernels that can be looked at."""
    for layer in lens.layers():
        if layer.op_type == "Conv" and layer.shape is not None and len(layer.shape) == 4:
            return layer
    return None


def study_filters(lens: Inspector, layer: Layer, count: int, steps: int, seed: int) -> Filters:
    """The pictures that maximise the first ``count`` filters of a convolution, by gradient ascent, and its kernels."""
    kernels = np.asarray(lens.kernels(layer.name))
    channels = tuple(range(min(count, len(kernels))))
    pictures = np.asarray(lens.maximize(layer.name, list(channels), steps=steps, seed=seed))
    return Filters(
        layer=layer.name,
        total=len(kernels),
        channels=channels,
        maximised=pictures,
        kernels=kernels[: len(channels)],
    )


def study_heat(
    lens: Inspector,
    samples: Sequence[Sample],
    targets: Sequence[Any],
    captions: Sequence[str],
    *,
    layer: str | None = None,
    method: str | None = "gradcam",
    check: bool = True,
) -> list[Heat]:
    """A heatmap of every sample (each with a batch axis of one), its gradient checked on its own.

    ``targets`` has one per sample (None: its top class), ``captions`` says them in words (empty: the target itself).
    """
    heats = []
    for sample, target, caption in zip(samples, targets, captions, strict=True):
        found = lens.explain(sample, method=method, target=target, layer=layer, check=check)
        heats.append(
            Heat(
                caption=caption or found.target[0],
                target=found.target[0],
                method=found.method,
                layer=found.layer or "",
                kind=lens.resolve_layer(found.layer).label if found.layer else "the input",
                score=float(found.score[0]),
                heatmap=np.asarray(found.heatmap[0], np.float64),
                signed=found.signed,
                # each sample is explained alone: its number says nothing
                notes=tuple(note.removeprefix("image 1: ") for note in found.notes),
                check=found.check,
            )
        )
    return heats

"""How the peer pytorch-grad-cam (`grad-cam`) is asked for maps of the same layer, images and target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import pytorch_grad_cam
import torch
from numpy.typing import NDArray

from tests.peers.networks import Network

__all__ = [
    "PEER",
    "Maps",
    "as_it_is",
    "between_0_and_1",
    "by_largest",
    "enlarged",
    "scores",
    "theirs",
    "tokens",
]

PEER = "grad-cam"
Maps = NDArray[np.float32]
Target = Callable[[torch.Tensor], torch.Tensor]


def theirs(
    kind: str, of: Network, targets: Sequence[Target], layers: Sequence[str] = (), **call: Any
) -> Maps:
    """The peer's maps of one target per image, (N, H, W)."""
    made: Callable[..., Any] = getattr(pytorch_grad_cam, kind)
    parts = [of.part(layer) for layer in layers or [of.layer]]
    with made(of.module, parts, reshape_transform=tokens if of.name == "vit" else None) as cam:
        maps: Maps = cam(of.tensor, targets, **call)
    return maps


def scores(classes: Sequence[int], factor: float = 1.0) -> list[Target]:
    """Each image's class score, times `factor`."""

    def of(number: int) -> Target:
        return lambda output: factor * output[..., number]

    return [of(number) for number in classes]


def tokens(activations: torch.Tensor) -> torch.Tensor:
    """(N, 1 + 16, C) to (N, C, 4, 4)."""
    side = round((activations.shape[1] - 1) ** 0.5)
    return activations[:, 1:].reshape(len(activations), side, side, -1).permute(0, 3, 1, 2)


def as_it_is(cam: Maps, target_size: Any = None) -> Maps:
    """In place of the peer's scaling: none, and the layer's own size."""
    del target_size
    return np.asarray(cam, dtype=np.float32)


def by_largest(maps: Maps, target_size: Any = None) -> Maps:
    """In place of the peer's scaling, which subtracts the smallest value first: each image by its largest value."""
    del target_size
    return np.float32(maps / np.max(maps, axis=(1, 2), keepdims=True))


def enlarged(maps: Maps, target_size: Sequence[int] | None = None) -> Maps:
    """The same after the peer's enlargement to (W, H)."""
    return by_largest(
        maps if target_size is None else np.stack([cv2.resize(each, target_size) for each in maps])
    )


def between_0_and_1(maps: Maps) -> Maps:
    """As the peer scales: each image's smallest value becomes 0, the largest 1."""
    axes = tuple(range(1, maps.ndim))
    low = maps.min(axis=axes, keepdims=True)
    scaled: Maps = (maps - low) / (maps - low).max(axis=axes, keepdims=True)
    return scaled

"""What the models are fed: photographs, made sound, random token ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.images import load_pictures
from inspector.model import TensorInfo
from tests.zoo.fetch import Package, unpack

__all__ = [
    "PICTURES",
    "Feeds",
    "Maker",
    "below",
    "feed",
    "full",
    "normal",
    "photograph",
    "sound",
    "uniform",
]

Feeds = dict[str, NDArray[Any]]
Maker = Callable[[TensorInfo], NDArray[Any]]
"""Makes the value of one input."""

PICTURES = Package("pypi", "scikit-image", "0.26.0")


def photograph(
    name: str = "chelsea.png", size: tuple[int, int] | None = None, preset: str = "imagenet", **options: Any
) -> Maker:
    """A picture that scikit-image ships, brought to the input's size and layout by onnxlens."""

    def make(spec: TensorInfo) -> NDArray[Any]:
        path = unpack(PICTURES) / "skimage" / "data" / name
        (picture,) = load_pictures([path], spec, preset=preset, size=size, **options)
        return picture.tensor

    return make


def below(limit: int, *shape: int, seed: int = 0) -> Maker:
    """Random whole numbers from 0 to `limit - 1`: token ids."""
    return lambda spec: np.random.default_rng(seed).integers(0, limit, shape).astype(_dtype(spec))


def full(value: float, *shape: int) -> Maker:
    return lambda spec: np.full(shape, value, _dtype(spec))


def normal(*shape: int, scale: float = 1.0, seed: int = 0) -> Maker:
    return lambda spec: (scale * np.random.default_rng(seed).standard_normal(shape)).astype(_dtype(spec))


def uniform(low: float, high: float, *shape: int, seed: int = 0) -> Maker:
    return lambda spec: np.random.default_rng(seed).uniform(low, high, shape).astype(_dtype(spec))


def sound(*shape: int, rate: int = 16000, peak: float = 0.5) -> Maker:
    """A voice-like sound along the last of the axes longer than one: a gliding tone's harmonics, and some noise."""

    def make(spec: TensorInfo) -> NDArray[Any]:
        samples = int(np.prod(shape))
        time = np.arange(samples) / rate
        pitch = 2 * np.pi * (120 * time + 15 * np.sin(2 * np.pi * 3 * time) / (2 * np.pi * 3))
        orders = np.arange(1, 12)[:, None]
        voice = (np.sin(orders * pitch + orders) / orders).sum(axis=0)
        noise = np.random.default_rng(0).standard_normal(samples)
        wave = voice / np.abs(voice).max() + 0.02 * noise
        values: NDArray[Any] = peak * wave
        return values.reshape(shape).astype(_dtype(spec))

    return make


def feed(inputs: Sequence[TensorInfo], makers: Mapping[str, Maker]) -> Feeds:
    """One value per input of a model; `*` makes those that are not named.

    Raises:
        KeyError: nothing makes one of them.
    """
    return {spec.name: (makers[spec.name] if spec.name in makers else makers["*"])(spec) for spec in inputs}


def _dtype(spec: TensorInfo) -> np.dtype[Any]:
    return np.dtype(spec.dtype or np.float32)

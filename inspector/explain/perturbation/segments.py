"""The parts of an input that are kept or dropped as one: cells of a grid, tokens, superpixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inspector.errors import InputError
from inspector.explain.perturbation.canvas import Canvas
from inspector.explain.subject import Variant

__all__ = ["Parting", "Segments", "grid_labels", "segments_of"]

Parting: TypeAlias = "int | Sequence[int] | ArrayLike | None"


@dataclass(frozen=True)
class Segments:
    """Each sample's places, numbered by the segment that they belong to.

    Attributes:
        canvas: the input.
        labels: per sample, of the spatial shape: 0 to the sample's number of segments - 1.
    """

    canvas: Canvas
    labels: tuple[NDArray[np.int64], ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of segments of each sample."""
        return tuple(int(each.max()) + 1 for each in self.labels)

    def variants(self, row: int, coalitions: NDArray[np.bool_]) -> Iterator[Variant]:
        """Sample `row` with the segments kept that each line of `coalitions` (variants, segments) names."""
        for chosen in coalitions:
            yield row, self.canvas.kept(row, chosen[self.labels[row]])

    def blends(self, row: int, shares: NDArray[np.float32]) -> Iterator[Variant]:
        """The same with a share of each segment between 0 and 1."""
        for chosen in shares:
            yield row, self.canvas.blended(row, chosen[self.labels[row]])

    def spread(self, values: Sequence[NDArray[np.float64]]) -> NDArray[np.float32]:
        """(N, spatial...): each place with its segment's number among `values`, an array per sample."""
        return np.stack([each[at] for each, at in zip(values, self.labels, strict=True)]).astype(np.float32)


def segments_of(canvas: Canvas, given: Parting) -> Segments:
    """The segments of each sample.

    Args:
        canvas: the input.
        given: None: one per token, else a grid of 64 cells in all; a number of cells along each axis, or one per axis;
            an integer array of the input's spatial shape, or one for each sample, in which equal numbers belong
            together (superpixels).

    Raises:
        InputError: `given` is none of these, or does not fit.
    """
    if given is None:
        return _grid(canvas, canvas.default_cells)
    array = np.asarray(given)
    if array.dtype.kind not in "iu":
        raise InputError(f"segments are numbered by integers, not by {array.dtype}")
    if array.ndim and array.shape == canvas.sides:
        return Segments(canvas, (_numbered(array),) * canvas.rows)
    if array.shape == (canvas.rows, *canvas.sides):
        return Segments(canvas, tuple(map(_numbered, array)))
    if array.ndim == 0:
        return _grid(canvas, tuple(min(int(array), side) for side in canvas.sides))
    if array.shape == (len(canvas.sides),):
        return _grid(canvas, array.tolist())
    raise InputError(
        f"segments of shape {array.shape} do not fit: give a number of cells along each axis, or integers of the "
        f"input's spatial shape {canvas.sides}"
    )


def grid_labels(sides: Sequence[int], cells: Sequence[int]) -> NDArray[np.int64]:
    """Cells of (nearly) equal size, numbered in row-major order, over places of the shape `sides`."""
    along = [np.arange(side) * count // side for side, count in zip(sides, cells, strict=True)]
    return np.asarray(np.ravel_multi_index(np.meshgrid(*along, indexing="ij"), tuple(cells)))


def _grid(canvas: Canvas, cells: Sequence[int]) -> Segments:
    if any(not 1 <= count <= side for count, side in zip(cells, canvas.sides, strict=True)):
        raise InputError(f"an input of {canvas.sides} places cannot be cut into {tuple(cells)} segments")
    return Segments(canvas, (grid_labels(canvas.sides, cells),) * canvas.rows)


def _numbered(labels: NDArray[np.integer]) -> NDArray[np.int64]:
    return np.asarray(np.unique(labels, return_inverse=True)[1].reshape(labels.shape), dtype=np.int64)

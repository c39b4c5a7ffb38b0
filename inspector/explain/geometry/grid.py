"""From a tensor whose axes are known to maps (samples, channels, places), and back to what the maps are of."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError, LayerNotFound
from inspector.explain.geometry.axes import BATCH, OTHER, Axes, Axis, Factor, Segment, segment_size
from inspector.model import spatial_axes

__all__ = ["Grid", "grid_of", "guessed_grid", "layout_grid", "parse_tokens", "token_grid"]

TOKENS = re.compile(r"(?:(?P<lead>\d+)\+)?(?P<sides>\d+(?:x\d+){0,2})(?:\+(?P<trail>\d+))?")


@dataclass(frozen=True)
class Grid:
    """How a tensor is read as maps.

    Attributes:
        axes: per axis of the tensor, what lies before the grid, the grid's factors, and what lies behind it.
        spaces: the input's spatial axes, in the maps' order.
        sides: the maps' size.
    """

    axes: tuple[tuple[int, Segment, int], ...]
    spaces: tuple[int, ...]
    sides: tuple[int, ...]

    @property
    def area(self) -> int:
        return math.prod(self.sides)

    @property
    def channels(self) -> int:
        return math.prod(
            factor.size for _, segment, _ in self.axes for factor in segment if factor.what == OTHER
        )

    @cached_property
    def factors(self) -> tuple[Factor, ...]:
        """What the axes fall apart into once what is no place is cut off."""
        return tuple(factor for _, segment, _ in self.axes for factor in segment)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The numbers of `factors` in the maps' order: samples, channels, then each side's, outermost first."""

        def of(what: int) -> list[int]:
            found = [number for number, factor in enumerate(self.factors) if factor.what == what]
            if what < 0:
                return found
            return sorted(found, key=lambda number: self.factors[number].stride, reverse=True)

        return tuple(number for what in (BATCH, OTHER, *self.spaces) for number in of(what))

    @property
    def skipped(self) -> int:
        """The number of tokens that are no place: class and register tokens."""
        return sum(lead + trail for lead, _, trail in self.axes)

    def fold(self, array: NDArray[Any]) -> NDArray[Any]:
        """(samples, channels, places...) of a tensor with these axes; the number of samples may be another.

        Raises:
            LayerNotFound: the tensor has another shape.
        """
        cut = array[
            tuple(
                slice(lead, size - trail)
                for (lead, _, trail), size in zip(self.axes, array.shape, strict=True)
            )
        ]
        sizes = [-1 if factor.what == BATCH else factor.size for factor in self.factors]
        try:
            parted = cut.reshape(sizes)
        except ValueError:
            raise LayerNotFound(
                f"a tensor of shape {array.shape} cannot be read as maps of {self.text}"
            ) from None
        ordered = parted.transpose(self.order)
        count = ordered.shape[0] if any(factor.what == BATCH for factor in self.factors) else 1
        return np.ascontiguousarray(ordered).reshape(count, -1 if parted.size else 0, *self.sides)

    @property
    def text(self) -> str:
        return "x".join(map(str, self.sides))


def grid_of(axes: Axes, spaces: Sequence[int]) -> Grid | None:
    """The grid of a tensor that holds every place of it once; None for any other (part of one, several, shuffled).

    Args:
        axes: of the tensor.
        spaces: all spatial axes of the input; those that the tensor lacks (pooled away) count as one place.
    """
    read: list[tuple[int, Segment, int]] = []
    for axis in axes:
        spatial = [number for number, segment in enumerate(axis) if any(f.what != OTHER for f in segment)]
        if len(spatial) > 1:
            return None
        at = spatial[0] if spatial else 0
        if len(axis) > 1 and not spatial:
            read.append((0, (Factor(OTHER, sum(map(segment_size, axis))),), 0))
            continue
        lead, trail = (sum(map(segment_size, part)) for part in (axis[:at], axis[at + 1 :]))
        read.append((lead, axis[at], trail))
    factors = [factor for _, segment, _ in read for factor in segment]
    if sum(factor.what == BATCH for factor in factors) > 1:
        return None
    sides = []
    for space in spaces:
        mine = sorted((f for f in factors if f.what == space), key=lambda f: f.stride)
        reach = 1
        for factor in mine:
            if factor.stride != reach:
                return None
            reach *= factor.size
        sides.append(reach)
    return Grid(tuple(read), tuple(spaces), tuple(sides)) if any(f.what >= 0 for f in factors) else None


def layout_grid(shape: Sequence[int], layout: str) -> Grid | None:
    """The grid of a tensor whose layout ("NCHW", ...) is known."""
    spatial = spatial_axes(layout)
    axes: list[Axis] = []
    for axis, size in enumerate(shape):
        what = BATCH if layout[axis] == "N" else spatial.index(axis) if axis in spatial else OTHER
        axes.append(((Factor(what, size),),))
    return grid_of(tuple(axes), range(len(spatial)))


def parse_tokens(text: str) -> tuple[int, tuple[int, ...], int]:
    """`1+14x14` as (1, (14, 14), 0): tokens before the grid, its sides, tokens behind it.

    Raises:
        InputError: it is written otherwise.
    """
    match = TOKENS.fullmatch(text.replace(" ", "").lower().replace("×", "x"))
    if match is None:
        raise InputError(
            f"'{text}' says no token grid: write 14x14, 1+14x14 (one class token first) or 14x14+100 (100 at the end)"
        )
    sides = tuple(int(side) for side in match["sides"].split("x"))
    return int(match["lead"] or 0), sides, int(match["trail"] or 0)


def token_grid(shape: Sequence[int], tokens: str) -> Grid:
    """The grid that `tokens` (`1+14x14`) says of a tensor; of its other axes the first is the batch.

    Raises:
        InputError: no axis of the tensor has that many tokens.
    """
    lead, sides, trail = parse_tokens(tokens)
    count = lead + math.prod(sides) + trail
    fitting = [axis for axis, size in enumerate(shape) if size == count]
    if not fitting:
        raise InputError(
            f"--tokens {tokens} stands for {count} tokens, but the layer's shape is {tuple(shape)}: no axis has as many"
        )
    # tokens stand between samples and channels, or first (tokens, samples, channels)
    along = 1 if 1 in fitting else fitting[0]
    samples = next((axis for axis in range(len(shape)) if axis != along), along)
    axes: list[tuple[int, Segment, int]] = []
    for axis, size in enumerate(shape):
        if axis == along:
            axes.append((lead, tuple(Factor(number, side) for number, side in enumerate(sides)), trail))
        else:
            axes.append((0, (Factor(BATCH if axis == samples else OTHER, size),), 0))
    return Grid(tuple(axes), tuple(range(len(sides))), sides)


def guessed_grid(shape: Sequence[int], picture: Sequence[int], most: int = 5) -> Grid | None:
    """The grid of (samples, tokens, channels) with the proportions of a picture (height, width); None where none has.

    The fewest tokens that are no place, at most `most`, all in front, and patches that divide the picture evenly.
    """
    if len(shape) != 3 or len(picture) != 2:
        return None
    height, width = picture
    for lead in range(min(most, shape[1]) + 1):
        rows = math.isqrt((shape[1] - lead) * height // width)
        columns = (shape[1] - lead) // rows if rows else 0
        fits = rows * columns == shape[1] - lead and rows * width == columns * height
        if fits and rows > 1 and height % rows == 0 and width % columns == 0:
            return token_grid(shape, f"{lead}+{rows}x{columns}")
    return None

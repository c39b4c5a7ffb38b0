"""Which elements a target means, where that is found for each sample: a rank, a region, a box, a single value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from inspector.errors import TargetError

__all__ = ["Box", "Choice", "Ranked", "Region", "Value", "region_of"]


@dataclass(frozen=True)
class Ranked:
    """The class that comes after `number` better ones: 0 is the top class. Of a map: by the places that predict it."""

    number: int

    def __post_init__(self) -> None:
        if self.number < 0:
            raise TargetError(f"top[{self.number}]: ranks begin with 0, the best class")


@dataclass(frozen=True)
class Region:
    """Places of a map of classes, in the output's own pixels.

    Attributes:
        index: a slice or a list of places per spatial axis.
        shape: of the mask that it was made from; None: of slices, which fit maps of any size that holds them.
        text: in words.
    """

    index: tuple[Any, ...]
    shape: tuple[int, ...] | None
    text: str


@dataclass(frozen=True)
class Box:
    """A box of a detector, by its number; None: the best-scoring one (of the target's class, where it has one)."""

    number: int | None = None


@dataclass(frozen=True)
class Value:
    """The one number that a regression output has for a sample."""


Choice: TypeAlias = "Ranked | Region | Box | Value"


def region_of(places: ArrayLike | slice | Sequence[slice]) -> Region:
    """From a slice per spatial axis, or from a mask of booleans of the map's shape.

    Raises:
        TargetError: it is neither, or the mask is empty.
    """
    given: Sequence[Any] = (
        (places,) if isinstance(places, slice) else places if isinstance(places, list | tuple) else ()
    )
    slices = [each for each in given if isinstance(each, slice)]
    if slices and len(slices) == len(given):
        for each in slices:
            if each.step not in (None, 1) or min(each.start or 0, each.stop or 0) < 0:
                raise TargetError("a region has ranges from a first place up to a last: slice(10, 50)")
        text = ", ".join(
            f"{each.start if each.start is not None else ''}:{each.stop if each.stop is not None else ''}"
            for each in slices
        )
        return Region(tuple(slices), None, text)
    mask = np.asarray(places)
    if mask.dtype != bool or mask.ndim == 0:
        raise TargetError(
            f"a region is a slice per axis or a mask of booleans, not {mask.dtype} {mask.shape}: compare it with a "
            "threshold first"
        )
    if not mask.any():
        raise TargetError("the mask of the region is empty")
    index = tuple(axis.tolist() for axis in np.nonzero(mask))
    return Region(index, mask.shape, f"mask of {int(mask.sum())} places")

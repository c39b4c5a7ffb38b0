"""What the axes of a tensor count: samples, places along an axis of the input, or anything else.

An axis is a row of segments (class tokens, then patches), a segment a product of factors in row-major order (height,
then width). A factor that counts places knows its stride, so that an axis cut into windows and put together again is
recognised for what it was.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = [
    "BATCH",
    "OTHER",
    "Axes",
    "Axis",
    "Factor",
    "Segment",
    "axis_size",
    "batch",
    "is_plain",
    "is_sound",
    "joined",
    "other",
    "place",
    "reshaped",
    "segment_size",
    "select",
    "spaces_of",
]

BATCH, OTHER = -1, -2


@dataclass(frozen=True)
class Factor:
    """`size` consecutive values of an index.

    Attributes:
        what: `BATCH`, `OTHER`, or the number of the input's spatial axis.
        size: how many values.
        stride: places of that axis between two values; 0 where they cannot be told any more (a part that was cut out).
    """

    what: int
    size: int
    stride: int = 1


# one segment: its factors, outermost first
Segment = tuple[Factor, ...]
Axis = tuple[Segment, ...]
Axes = tuple[Axis, ...]


def batch(size: int) -> Axis:
    return ((Factor(BATCH, size),),)


def other(size: int) -> Axis:
    return ((Factor(OTHER, size),),)


def place(what: int, size: int) -> Axis:
    return ((Factor(what, size),),)


def axis_size(axis: Axis) -> int:
    return sum(segment_size(segment) for segment in axis)


def segment_size(segment: Segment) -> int:
    return math.prod(factor.size for factor in segment)


def spaces_of(axis: Axis) -> tuple[int, ...]:
    """The spatial axes of the input that `axis` counts places of, in order."""
    return tuple(dict.fromkeys(factor.what for segment in axis for factor in segment if factor.what >= 0))


def is_plain(axis: Axis) -> bool:
    """Whether nothing is known of it."""
    return all(factor.what == OTHER for segment in axis for factor in segment)


def joined(axes: Iterable[Axis]) -> Axis:
    """`axes` one after the other, as a concatenation puts them."""
    segments = [segment for axis in axes for segment in axis if segment_size(segment)]
    whole: Axis = tuple(segments)
    return other(axis_size(whole)) if is_plain(whole) else whole


def select(axis: Axis, start: int, stop: int, step: int) -> Axis:
    """The elements start, start + step, ... below stop.

    Whole segments stay what they are; every other element of a spatial axis is a coarser grid; a part of a segment is
    nothing that could be drawn.
    """
    count = len(range(start, stop, step))
    if step == 1 and start == 0 and stop == axis_size(axis):
        return axis
    if step == 1:
        kept, at = [], 0
        for segment in axis:
            end = at + segment_size(segment)
            if start <= at and end <= stop:
                kept.append(segment)
            elif start < end and at < stop:
                kept.append(_part(segment, min(end, stop) - max(at, start)))
            at = end
        return joined([tuple(kept)])
    if step > 1 and start < step and len(axis) == 1 and len(axis[0]) == 1 and axis[0][0].what >= 0:
        return place(axis[0][0].what, count)
    return other(count)


def _part(segment: Segment, size: int) -> Segment:
    """Some of a segment: of which spatial axis, but not where."""
    spaces = spaces_of((segment,))
    return (Factor(spaces[0], size, 0),) if len(spaces) == 1 else (Factor(OTHER, size),)


def is_sound(axis: Axis) -> bool:
    """Whether it is told where every value lies."""
    return all(factor.stride > 0 for segment in axis for factor in segment)


def reshaped(axes: Axes, shape: Sequence[int]) -> Axes:
    """The axes of the same elements in another shape; where they cannot be told, nothing is known of them."""
    pending = [factor for axis in axes for factor in _items(axis)]
    found: list[Axis] = []
    for size in shape:
        taken: list[Factor | Axis] = []
        need = size
        while pending and (need > 1 or (size == 1 and not taken)):
            factor = pending[0]
            if isinstance(factor, Factor) and factor.size > need > 1 and factor.size % need == 0:
                outer, inner = need, factor.size // need
                taken.append(Factor(factor.what, outer, factor.stride * inner))
                pending[0] = Factor(factor.what, inner, factor.stride)
                need = 1
                continue
            whole = factor.size if isinstance(factor, Factor) else axis_size(factor)
            if need % whole or (need == 1 and whole > 1):
                break
            taken.append(pending.pop(0))
            need //= whole
        if need != 1:
            return tuple(found) + tuple(map(other, shape[len(found) :]))
        found.append(_axis(taken, size))
    return tuple(found)


def _items(axis: Axis) -> list[Factor | Axis]:
    """Factors that a reshape may part; an axis of several segments cannot be parted."""
    return [*axis[0]] if len(axis) == 1 else [axis]


def _axis(taken: Sequence[Factor | Axis], size: int) -> Axis:
    several = [item for item in taken if not isinstance(item, Factor)]
    factors = [item for item in taken if isinstance(item, Factor)]
    if several:
        # class tokens beside anything but ones are no axis of tokens any more
        return (
            several[0] if all(factor.size == 1 for factor in factors) and len(several) == 1 else other(size)
        )
    merged: list[Factor] = []
    for factor in factors:
        last = merged[-1] if merged else None
        if factor.size == 1 and factor.what != BATCH and len(factors) > 1:
            continue
        if (
            last is not None
            and last.what == factor.what
            and (factor.what == OTHER or 0 < last.stride == factor.stride * factor.size)
        ):
            merged[-1] = Factor(factor.what, last.size * factor.size, factor.stride)
        else:
            merged.append(factor)
    kept = tuple(factor for factor in merged if factor.size > 1 or factor.what == BATCH) or tuple(merged[:1])
    return (kept,) if kept else other(size)

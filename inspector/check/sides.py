"""Which sides of several near ties a gradient took, where no run took the same ones all together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inspector.check.reference import Array

__all__ = ["MOST", "Flip", "Side", "find_flips", "sides_taken", "taken_together", "with_sides"]

MOST = 24
"""Near ties that are told apart: each takes an evaluation of the gradient in double precision."""


@dataclass(frozen=True)
class Side:
    """One decision taken otherwise: `value` at flat index `place` of the tensor of decisions `name`."""

    name: str
    place: int
    value: bool | int | float


Flip = tuple[Side, ...]
"""Decisions that one near tie takes otherwise, all together or none."""


def sides_taken(taken: Mapping[str, Array], exact: Mapping[str, Array]) -> list[Side]:
    """The decisions of `taken` that are others than those of `exact`; none of tensors of unlike shapes."""
    found = []
    for name, value in taken.items():
        if value.shape == exact[name].shape:
            places = np.flatnonzero(value.reshape(-1) != exact[name].reshape(-1))
            found += [Side(name, int(place), value.reshape(-1)[place].item()) for place in places]
    return found


def with_sides(exact: Mapping[str, Array], sides: Sequence[Side]) -> dict[str, Array]:
    """The decisions `exact` with those of `sides` in their places."""
    changed = dict(exact)
    for name in {side.name for side in sides}:
        value = np.array(exact[name])
        for side in sides:
            if side.name == name:
                value.reshape(-1)[side.place] = side.value
        changed[name] = value
    return changed


def taken_together(
    sides: Iterable[Side], exact: Mapping[str, Array], comparisons: Collection[str]
) -> list[Flip]:
    """One flip for each near tie.

    A window's maximum is told by comparing it with one tap after another: where two taps nearly tie, two of these
    comparisons are decided otherwise, which stand at one place of tensors of one shape.

    Args:
        sides: of all near ties.
        exact: the decisions by name.
        comparisons: names of those that compare for equality.
    """
    flips: dict[tuple[object, int], list[Side]] = {}
    for side in sides:
        whose = exact[side.name].shape if side.name in comparisons else side.name
        flips.setdefault((whose, side.place), []).append(side)
    return [tuple(flip) for flip in flips.values()]


def find_flips(
    shown: Array, exact: Array, gradient: Callable[[Sequence[Side]], Array], flips: Sequence[Flip]
) -> list[Flip]:
    """Those of `flips` that together explain best what `shown` differs from `exact` by.

    Each alone changes the gradient by an amount of its own, and several nearly by the sum: least squares tells how much
    of each is in the difference, and what is nearer to all than to nothing was taken. Whether it is so must be seen
    from the gradient with these sides.

    Args:
        shown, exact: gradients of equal shape.
        gradient: the float64 gradient with some sides taken.
        flips: all that may have been.
    """
    changes = np.stack([(gradient(flip) - exact).reshape(-1) for flip in flips], axis=1)
    difference = shown.astype(np.float64).reshape(-1) - exact.reshape(-1)
    shares, *_ = np.linalg.lstsq(changes, difference, rcond=None)
    return [flip for flip, share in zip(flips, shares, strict=True) if share > 0.5]

"""Which tensors everything passes through on the way from the input to the score."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

__all__ = ["dominators"]

T = TypeVar("T", bound=Hashable)


def dominators(
    ordered: Sequence[T], edges: Iterable[tuple[T, T]], sources: Iterable[T], sinks: Iterable[T]
) -> list[T]:
    """The members of `ordered` that lie on every path from `sources` to `sinks`, nearest to the sinks first.

    Cooper, Harvey & Kennedy, A Simple, Fast Dominance Algorithm, 2001; one pass is enough for a graph without cycles.

    Args:
        ordered: topologically.
        edges: (from, to).
        sources, sinks: members of `ordered`.
    """
    place = {one: number for number, one in enumerate(ordered, start=1)}
    before: dict[int, list[int]] = {}
    for start, end in edges:
        before.setdefault(place[end], []).append(place[start])
    # 0 stands before all sources
    above: dict[int, int] = {place[source]: 0 for source in sources}
    for number in range(1, len(ordered) + 1):
        for parent in before.get(number, ()):
            if parent in above:
                above[number] = parent if number not in above else _meet(above, above[number], parent)
    met: int | None = None
    for sink in sinks:
        if place[sink] in above:
            met = place[sink] if met is None else _meet(above, met, place[sink])
    found = []
    while met:
        found.append(ordered[met - 1])
        met = above[met]
    return found


def _meet(above: dict[int, int], one: int, other: int) -> int:
    while one != other:
        if one > other:
            one = above[one]
        else:
            other = above[other]
    return one

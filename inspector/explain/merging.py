"""Several layers' maps made one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from inspector.errors import InspectorError
from inspector.explain.relevance import Maps

__all__ = ["Merge", "merged"]

Merge = Literal["mean", "max", "product"]


def merged(maps: Sequence[Maps], how: Merge) -> Maps:
    """One map (N, ...) of several of equal shape, each first divided by its own largest magnitude per image.

    Args:
        maps: of one method at several layers, enlarged to the input's size.
        how: "mean"; "max": of the largest magnitude, with its sign; "product": only what all layers show.

    Raises:
        InspectorError: `how` is none of these.
    """
    if how not in get_args(Merge):
        raise InspectorError(f"maps are merged by {', '.join(get_args(Merge))}, not '{how}'")
    axes = tuple(range(1, maps[0].ndim))
    largest = [np.abs(each).max(axis=axes, keepdims=True) for each in maps]
    scaled = np.stack(
        [
            np.divide(each, top, out=np.zeros_like(each), where=top > 0)
            for each, top in zip(maps, largest, strict=True)
        ]
    )
    if how == "mean":
        return np.asarray(scaled.mean(axis=0))
    if how == "max":
        place = np.abs(scaled).argmax(axis=0)[None]
        return np.asarray(np.take_along_axis(scaled, place, axis=0)[0])
    return np.asarray(scaled.prod(axis=0))

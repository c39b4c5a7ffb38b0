"""Operators that read an image at places which are themselves tensors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .case import Array, Case, normal

PADDINGS = ("zeros", "border", "reflection")


def grid(sizes: Sequence[int], *shape: int, aligned: bool = False) -> Array:
    """Places (*shape, rank) in an image and a little beyond it, none near a pixel's centre or edge, where they bend."""
    rng = np.random.default_rng([9, *sizes, *shape])
    columns = []
    for size in reversed(sizes):
        half = rng.integers(-4, 2 * size + 3, size=shape) / 2
        place = half + rng.uniform(0.1, 0.4, size=shape)
        columns.append(place * 2 / (size - 1) - 1 if aligned else (place * 2 + 1) / size - 1)
    return np.stack(columns, axis=-1).astype(np.float32).astype(np.float64)


CASES = (
    *(
        Case(
            "GridSample",
            [normal(2, 3, 5, 4), grid((5, 4), 2, 3, 4, aligned=bool(aligned))],
            {"mode": mode, "padding_mode": padding, "align_corners": aligned},
            opset=22,
        )
        for mode in ("linear", "nearest", "cubic")
        for padding in PADDINGS
        for aligned in (0, 1)
    ),
    *(
        Case(
            "GridSample",
            [normal(2, 2, 3, 4, 5), grid((3, 4, 5), 2, 2, 3, 2, aligned=bool(aligned))],
            {"mode": mode, "padding_mode": padding, "align_corners": aligned},
            opset=22,
        )
        for mode in ("linear", "nearest")
        for padding in PADDINGS
        for aligned in (0, 1)
    ),
    Case(
        "GridSample",
        [normal(2, 2, 3, 4, 5), grid((3, 4, 5), 2, 2, 1, 2)],
        {"mode": "cubic"},
        opset=22,
        runtime=False,
    ),
    Case("GridSample", [normal(1, 2, 6), grid((6,), 1, 4)], opset=22, runtime=False),
    *(
        Case("GridSample", [normal(1, 2, 3, 4), grid((3, 4), 1, 2, 2)], {"mode": mode}, newest=19)
        for mode in ("bilinear", "nearest", "bicubic")
    ),
)

"""Operators that read an image at places which are themselves tensors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .case import Array, Case, Fixed, integers, ints, normal, other

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


def offsets(*shape: int) -> Array:
    """Offsets in pixels of which none moves a tap to a pixel's centre."""
    rng = np.random.default_rng([10, *shape])
    whole = rng.integers(-2, 3, size=shape)
    return (whole + rng.uniform(0.1, 0.9, size=shape)).astype(np.float32).astype(np.float64)


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
    # offsets of a fraction of a pixel, of some pixels, out of the image
    Case("DeformConv", [normal(2, 3, 6, 5), other(4, 3, 3, 2), offsets(2, 12, 4, 4)], opset=22),
    Case(
        "DeformConv",
        [normal(2, 4, 7, 6), other(6, 2, 3, 3), offsets(2, 36, 4, 3), normal(6), other(2, 18, 4, 3)],
        {"group": 2, "offset_group": 2, "pads": [1, 1, 1, 1], "strides": [2, 2]},
        opset=22,
    ),
    Case(
        "DeformConv",
        [normal(1, 4, 7, 6), other(2, 2, 2, 2), offsets(1, 32, 6, 4), None, other(1, 16, 6, 4)],
        {"group": 2, "offset_group": 4, "dilations": [2, 3], "pads": [1, 0, 0, 1], "kernel_shape": [2, 2]},
        opset=22,
    ),
    Case(
        "DeformConv",
        [normal(1, 2, 5, 4), Fixed(other(2, 2, 2, 2)), offsets(1, 8, 4, 3), Fixed(normal(2))],
        opset=22,
        note="fixed",
    ),
    *(
        Case("AffineGrid", [theta, size], {"align_corners": aligned}, opset=20)
        for aligned in (0, 1)
        for theta, size in (
            (normal(2, 2, 3), ints(2, 3, 4, 5)),
            (normal(2, 3, 4), ints(2, 3, 2, 4, 3)),
            (normal(1, 2, 3), integers([1, 2, 3, 2])),
        )
    ),
)

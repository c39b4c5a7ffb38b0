"""Regions of an image brought to one size."""

from __future__ import annotations

import numpy as np

from .case import Array, Case, Fixed, distinct, integers, normal

RNG = np.random.default_rng(11)


def regions(count: int, low: float, high: float, least: float, most: float) -> Array:
    """(count, 4): x1, y1, x2, y2."""
    corner = RNG.uniform(low, high, (count, 2))
    size = RNG.uniform(least, most, (count, 2))
    return np.concatenate([corner, corner + size], axis=1).astype(np.float32).astype(np.float64)


BATCH = integers([0, 1, 1, 0])
# inside, over the edges, narrower than a pixel
BOXES = np.concatenate([regions(2, 1, 4, 3, 6), regions(1, -4, -1, 9, 12), regions(1, 2, 5, 0.4, 0.8)])

CASES = (
    *(
        Case(
            "RoiAlign",
            [normal(2, 3, 7, 9), BOXES, BATCH],
            {
                "mode": mode,
                "coordinate_transformation_mode": transformation,
                "sampling_ratio": ratio,
                "spatial_scale": scale,
                "output_height": 3,
                "output_width": 2,
            },
            newest=21,
        )
        for mode in ("avg", "max")
        for transformation in ("half_pixel", "output_half_pixel")
        for ratio, scale in ((0, 1.0), (2, 0.6), (1, 1.2))
    ),
    Case("RoiAlign", [normal(1, 2, 5, 5), Fixed(BOXES), Fixed(np.zeros(4, dtype=np.int64))], newest=21),
    *(
        Case(
            "MaxRoiPool",
            [distinct(2, 3, 7, 9), Fixed(np.concatenate([BATCH[:, None], BOXES], axis=1))],
            {"pooled_shape": [3, 2], "spatial_scale": scale},
            newest=21,
        )
        for scale in (1.0, 0.6, 0.25)
    ),
)

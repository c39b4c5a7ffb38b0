"""Resize: every mode, coordinate transformation and policy, by scales and to sizes."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from .case import Array, Case, Fixed, integers, ints, normal

IMAGE = (1, 2, 3, 4)
BY = np.array([1, 1, 2.5, 0.5])
TO = (1, 2, 5, 6)

TRANSFORMATIONS = (
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
)
CROPS = "tf_crop_and_resize"

MODES: tuple[dict[str, Any], ...] = (
    {"mode": "nearest"},
    {"mode": "linear"},
    {"mode": "linear", "antialias": 1},
    {"mode": "cubic"},
    {"mode": "cubic", "cubic_coeff_a": -0.5, "exclude_outside": 1},
    {"mode": "cubic", "antialias": 1, "exclude_outside": 1},
)


def region(*bounds: float) -> Fixed:
    return Fixed(np.array(bounds, dtype=np.float32))


def image(*shape: int) -> Array:
    return normal(*(shape or IMAGE))


CASES = (
    *(
        Case(
            "Resize",
            [image(), None, *by],
            {**mode, "coordinate_transformation_mode": transformation},
            opset=19,
        )
        for mode, transformation in product(MODES, TRANSFORMATIONS)
        for by in ((Fixed(BY),), (None, ints(*TO)))
    ),
    *(
        Case(
            "Resize",
            [image(), region(0, 0, 0.1, 0.2, 1, 1, 0.9, 1.3), *by],
            {**mode, "coordinate_transformation_mode": CROPS, "extrapolation_value": 2.0},
            opset=19,
        )
        for mode in MODES
        for by in ((Fixed(BY),), (None, ints(*TO)))
    ),
    Case(
        "Resize",
        [image(), region(0.9, 0.1, 0.2, 0.7), None, ints(5, 3)],
        {"mode": "linear", "coordinate_transformation_mode": CROPS, "axes": [3, 2]},
        opset=19,
    ),
    # a region where there is nothing to crop, and one that is empty
    Case("Resize", [image(), region(), Fixed(BY)], {"mode": "linear"}),
    Case("Resize", [image(), region(0, 0, 0.1, 0.2, 1, 1, 0.9, 1.3), None, ints(*TO)], {"mode": "linear"}),
    Case("Resize", [image(), region(), Fixed(np.array([])), ints(*TO)], {"mode": "nearest"}),
    # which pixel is the nearest
    *(
        Case(
            "Resize",
            [image(), None, *by],
            {"mode": "nearest", "nearest_mode": nearest, "coordinate_transformation_mode": transformation},
            opset=19,
        )
        for nearest in ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
        for transformation in ("half_pixel", "align_corners", "asymmetric")
        for by in ((Fixed(BY),), (None, ints(*TO)))
    ),
    # proportions kept
    *(
        Case(
            "Resize",
            [image(1, 2, 6, 4), None, None, sizes],
            {
                "mode": mode,
                "keep_aspect_ratio_policy": policy,
                "coordinate_transformation_mode": transformation,
                "axes": [2, 3],
            },
            note=f":{sizes.array.tolist()}",
        )
        for policy in ("not_larger", "not_smaller")
        for mode in ("nearest", "linear", "cubic")
        for transformation in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
        for sizes in (ints(7, 7), ints(5, 2))
    ),
    # axes named
    Case("Resize", [image(), None, Fixed(BY[2:])], {"mode": "linear", "axes": [2, 3]}),
    Case("Resize", [image(), None, None, ints(5, 3)], {"mode": "linear", "axes": [3, 2]}),
    Case("Resize", [image(), None, None, ints(5, 3)], {"mode": "cubic", "axes": [-1, -2]}),
    # other ranks, other axes
    Case("Resize", [image(2, 3), None, Fixed(np.array([2.0, 1.5]))], {"mode": "linear"}),
    Case("Resize", [image(1, 2, 5), None, Fixed(np.array([1, 1, 2.0]))], {"mode": "linear"}),
    Case("Resize", [image(1, 1, 2, 3, 2), None, Fixed(np.array([1, 1, 2.0, 2.0, 3.0]))], {"mode": "linear"}),
    Case("Resize", [image(1, 3, 4, 2), None, Fixed(np.array([1, 2.0, 0.5, 1]))], {"mode": "linear"}),
    Case("Resize", [image(2, 2, 3, 2), None, Fixed(np.array([2.0, 2.0, 1, 1]))], {"mode": "nearest"}),
    # known only when run (onnxruntime itself takes sizes of which it does not know how many there are for none)
    Case("Resize", [image(), None, None, integers([1, 2, 6, 4])], {"mode": "nearest"}, runtime=False),
    Case(
        "Resize", [image(), None, None, integers([6, 3])], {"mode": "linear", "axes": [2, 3]}, runtime=False
    ),
)

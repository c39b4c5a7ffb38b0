"""Attribute combinations of the operators that resize and sample images."""

from __future__ import annotations

from itertools import product

import numpy as np

from tests.inspector.check.cases import Case

IMAGE = (1, 2, 7, 6)


def vector(*numbers: float) -> np.ndarray:
    return np.array(numbers, dtype=np.float32)


SCALES = tuple(vector(*each) for each in ((1, 1, 2, 3), (1, 1, 2.5, 0.5), (1, 1, 0.6, 0.7)))
SIZES = tuple(np.array(each) for each in ((1, 2, 5, 9), (1, 2, 1, 1)))
TRANSFORMATIONS = (
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_crop_and_resize",
)
REGION = vector(0, 0, -0.3, 0.2, 1, 1, 0.8, 1.4)
MODES = (
    {"mode": "nearest", "nearest_mode": "floor"},
    {"mode": "nearest", "nearest_mode": "ceil"},
    {"mode": "nearest", "nearest_mode": "round_prefer_ceil"},
    {"mode": "linear"},
    {"mode": "cubic"},
    {"mode": "cubic", "cubic_coeff_a": -0.5, "exclude_outside": 1},
    {"mode": "linear", "antialias": 1},
    {"mode": "cubic", "antialias": 1},
    {"mode": "cubic", "antialias": 1, "exclude_outside": 1},
)


def resized(by: tuple[np.ndarray | None, ...], **attributes: object) -> Case:
    return Case("Resize", (IMAGE, REGION, *by), attributes, opset=19)


RESIZING = [
    *(
        resized(by, **mode, coordinate_transformation_mode=transformation)
        for mode, transformation in product(MODES, TRANSFORMATIONS)
        for by in (*((scales,) for scales in SCALES), *((None, sizes) for sizes in SIZES))
        # (there pixels lie as near to one another as single precision tells, and runtimes contract products)
        if not (
            mode["mode"] == "nearest" and transformation in ("half_pixel_symmetric", "tf_crop_and_resize")
        )
    ),
    *(
        resized(
            (None, np.array([5, 9])),
            mode=mode,
            axes=[2, 3],
            keep_aspect_ratio_policy=policy,
            coordinate_transformation_mode=transformation,
        )
        for mode in ("nearest", "linear", "cubic")
        for policy in ("not_larger", "not_smaller")
        for transformation in TRANSFORMATIONS[:5]
    ),
    resized(
        (SCALES[1],),
        mode="linear",
        coordinate_transformation_mode=TRANSFORMATIONS[5],
        extrapolation_value=3.0,
    ),
    Case("Resize", ((1, 2, 3, 4), vector(1, 1, 2, 3)), {"mode": "linear"}, opset=10),
    Case("Resize", ((1, 2, 3, 4), vector(1, 1, 0.5, 2)), opset=10),
    Case("Resize", ((2, 3, 5), None, vector(1, 1, 1.7)), {"mode": "linear"}),
]

SAMPLING = [
    *(
        Case(
            "GridSample",
            (image, grid),
            {"mode": mode, "padding_mode": padding, "align_corners": aligned},
            opset=22,
        )
        for image, grid in (((2, 3, 5, 4), (2, 3, 4, 2)), ((2, 2, 3, 4, 5), (2, 2, 3, 2, 3)))
        for mode in ("linear", "nearest", "cubic")[: 7 - len(image)]
        for padding in ("zeros", "border", "reflection")
        for aligned in (0, 1)
    ),
    Case("GridSample", ((1, 3, 5, 4), (1, 3, 4, 2)), {"mode": "bicubic"}),
    *(
        Case("AffineGrid", (theta, np.array(size)), {"align_corners": aligned}, opset=20)
        for aligned in (0, 1)
        for theta, size in (
            ((2, 2, 3), (2, 3, 4, 5)),
            ((2, 3, 4), (2, 3, 2, 4, 3)),
            ((1, 2, 3), (1, 2, 1, 3)),
        )
    ),
]

RNG = np.random.default_rng(3)

REGIONS = np.concatenate(
    [RNG.uniform(-3, 8, (5, 2)), RNG.uniform(5, 20, (5, 2))], axis=1, dtype=np.float32, casting="same_kind"
)
BATCH = np.array([0, 1, 1, 0, 1])
NUMBERED = np.concatenate([BATCH[:, None], REGIONS], axis=1, dtype=np.float32, casting="same_kind")

POOLED_REGIONS = [
    *(
        Case(
            "RoiAlign",
            ((2, 3, 9, 11), REGIONS, BATCH),
            {
                "mode": mode,
                "coordinate_transformation_mode": transformation,
                "sampling_ratio": ratio,
                "output_height": 3,
                "output_width": 2,
                "spatial_scale": scale,
            },
        )
        for mode in ("avg", "max")
        for transformation in ("half_pixel", "output_half_pixel")
        for ratio, scale in ((0, 1.0), (2, 0.6), (1, 0.25))
    ),
    Case("RoiAlign", ((2, 3, 9, 11), REGIONS, BATCH), {"output_height": 2, "output_width": 2}, opset=10),
    *(
        Case("MaxRoiPool", ((2, 3, 9, 11), NUMBERED), {"pooled_shape": [3, 2], "spatial_scale": scale})
        for scale in (1.0, 0.6, 0.25)
    ),
]

DEFORMED = [
    Case("DeformConv", ((2, 3, 6, 5), (4, 3, 3, 2), (2, 12, 4, 4)), opset=19),
    Case(
        "DeformConv",
        ((2, 4, 7, 6), (6, 2, 3, 3), (2, 36, 4, 3), (6,), (2, 18, 4, 3)),
        {"group": 2, "offset_group": 2, "pads": [1, 1, 1, 1], "strides": [2, 2]},
        opset=19,
    ),
    Case(
        "DeformConv",
        ((1, 4, 7, 6), (2, 2, 2, 2), (1, 32, 6, 4), None, (1, 16, 6, 4)),
        {"group": 2, "offset_group": 4, "dilations": [2, 3], "pads": [1, 0, 0, 1], "kernel_shape": [2, 2]},
        opset=22,
    ),
]

UNFOLDED = [
    Case("Col2Im", ((2, 18, 16), np.array([6, 5]), np.array([3, 2]))),
    Case(
        "Col2Im",
        ((2, 12, 12), np.array([6, 5]), np.array([3, 2])),
        {"pads": [0, 1, 1, 0], "strides": [2, 1], "dilations": [1, 2]},
    ),
    Case("Col2Im", ((1, 6, 4), np.array([5]), np.array([2]))),
    Case("Col2Im", ((1, 16, 12), np.array([3, 4, 3]), np.array([2, 2, 2]))),
    Case(
        "MaxUnpool",
        ((1, 1, 2, 2), np.array([[[[5, 7], [13, 15]]]])),
        {"kernel_shape": [2, 2], "strides": [2, 2]},
        opset=11,
    ),
    Case(
        "MaxUnpool",
        ((1, 1, 2, 2), np.array([[[[5, 7], [13, 15]]]]), np.array([1, 1, 5, 6])),
        {"kernel_shape": [2, 2], "strides": [2, 2]},
        opset=11,
    ),
    Case(
        "MaxUnpool", ((1, 2, 3), np.array([[[0, 3, 4], [7, 8, 11]]])), {"kernel_shape": [2], "strides": [2]}
    ),
]

SPATIAL = [*RESIZING, *SAMPLING, *POOLED_REGIONS, *DEFORMED, *UNFOLDED]

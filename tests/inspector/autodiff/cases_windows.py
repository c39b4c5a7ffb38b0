"""Convolution and pooling: every attribute, one, two and three spatial axes."""

from __future__ import annotations

from typing import Any

from .case import Case, Fixed, away_from, distinct, integers, ints, normal, other

SAME: tuple[dict[str, Any], ...] = (
    {"auto_pad": "SAME_UPPER"},
    {"auto_pad": "SAME_LOWER"},
    {"auto_pad": "VALID"},
)

# each with an image of 7 x 6 and a kernel of 3 x 2
GEOMETRIES: tuple[dict[str, Any], ...] = (
    {},
    {"pads": [1, 1, 1, 1]},
    {"pads": [0, 1, 2, 0]},
    {"strides": [2, 1]},
    {"strides": [2, 3]},
    {"strides": [3, 2], "pads": [1, 0, 2, 1]},
    {"dilations": [2, 1]},
    {"dilations": [2, 3], "pads": [1, 2, 3, 0]},
    {"strides": [2, 2], "dilations": [1, 3], "pads": [2, 1, 1, 2]},
    {"strides": [4, 4]},
    *SAME,
    *({"strides": [2, 3], **same} for same in SAME),
    {"strides": [3, 1], "dilations": [2, 2], "auto_pad": "VALID"},
)
# refused by onnxruntime
DILATED_SAME = tuple({"strides": [3, 1], "dilations": [2, 2], **same} for same in SAME[:2])

TRANSPOSED: tuple[dict[str, Any], ...] = (
    {},
    {"pads": [1, 0, 0, 1]},
    {"strides": [2, 3]},
    {"strides": [2, 3], "output_padding": [1, 2]},
    {"strides": [3, 2], "pads": [1, 0, 2, 1], "output_padding": [1, 0]},
    {"dilations": [2, 3]},
    {"strides": [2, 2], "dilations": [1, 3], "pads": [1, 1, 0, 2]},
    {"strides": [4, 3]},
    {"strides": [2, 3], "output_shape": [9, 12]},
    {"strides": [2, 3], "output_shape": [8, 11], "auto_pad": "SAME_UPPER"},
    {"strides": [2, 3], "output_shape": [8, 11], "auto_pad": "SAME_LOWER"},
    *({"strides": [2, 2], **same} for same in SAME),
)

POOLINGS: tuple[dict[str, Any], ...] = (
    {"kernel_shape": [2, 2], "strides": [2, 2]},
    {"kernel_shape": [3, 2]},
    {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
    {"kernel_shape": [3, 2], "strides": [2, 3], "pads": [0, 1, 2, 0]},
    {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1},
    {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1},
    {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 0, 0], "ceil_mode": 1},
    *({"kernel_shape": [3, 2], **same} for same in SAME),
    *({"kernel_shape": [3, 3], "strides": [2, 2], **same} for same in SAME),
)

VOLUME: dict[str, Any] = {
    "kernel_shape": [2, 3, 2],
    "strides": [2, 2, 1],
    "dilations": [1, 2, 3],
    "pads": [1, 0, 1, 0, 2, 1],
}

TWO_BY_TWO: dict[str, Any] = {"kernel_shape": [2, 2], "strides": [2, 2]}

CASES = (
    *(Case("Conv", [normal(2, 3, 7, 6), other(4, 3, 3, 2), normal(4)], each) for each in GEOMETRIES),
    *(
        Case("Conv", [normal(2, 4, 7, 6), other(6, 2, 3, 2)], {"group": 2, **each})
        for each in GEOMETRIES[::4]
    ),
    *(Case("Conv", [normal(2, 3, 7, 6), other(4, 3, 3, 2)], each, runtime=False) for each in DILATED_SAME),
    Case("Conv", [normal(2, 4, 6, 6), other(4, 1, 3, 3)], {"group": 4, "pads": [1, 1, 1, 1]}),
    Case("Conv", [normal(2, 4, 6, 6), other(8, 1, 3, 3)], {"group": 4, "strides": [2, 2]}),
    Case("Conv", [normal(2, 3, 6, 6), Fixed(other(4, 3, 3, 3)), Fixed(normal(4))], note="fixed"),
    Case("Conv", [normal(2, 4, 6, 6), Fixed(other(6, 2, 3, 3))], {"group": 2}, note="fixed"),
    Case(
        "Conv", [normal(2, 4, 6, 6), Fixed(other(6, 2, 3, 3))], {"group": 2, "strides": [2, 2]}, note="fixed"
    ),
    Case("Conv", [normal(2, 3, 6, 6), other(4, 3, 1, 1)]),
    Case("Conv", [normal(2, 3, 6, 6), other(4, 3, 1, 1)], {"strides": [2, 2]}),
    Case("Conv", [normal(2, 3, 6, 6), other(4, 3, 1, 1)], {"pads": [1, 1, 1, 1]}),
    Case("Conv", [normal(2, 3, 6, 6), other(4, 3, 3, 3)], {"kernel_shape": [3, 3]}),
    Case("Conv", [normal(2, 3, 8), other(4, 3, 3), normal(4)], {"pads": [1, 2], "strides": [2]}),
    Case("Conv", [normal(2, 4, 8), other(4, 2, 3)], {"dilations": [2], "group": 2}),
    Case("Conv", [normal(1, 2, 4, 5, 4), other(3, 2, 2, 3, 2), normal(3)]),
    Case(
        "Conv",
        [normal(1, 2, 4, 5, 4), other(4, 1, 2, 3, 2)],
        {"strides": [2, 1, 2], "group": 2, "pads": [1] * 6},
    ),
    # transposed convolutions
    *(Case("ConvTranspose", [normal(2, 3, 4, 5), other(3, 4, 3, 2), normal(4)], each) for each in TRANSPOSED),
    *(
        Case("ConvTranspose", [normal(2, 4, 4, 5), other(4, 3, 3, 2)], {"group": 2, **each})
        for each in TRANSPOSED[::3]
    ),
    Case("ConvTranspose", [normal(2, 3, 4, 5), Fixed(other(3, 4, 3, 2))], {"strides": [2, 2]}, note="fixed"),
    Case("ConvTranspose", [normal(2, 3, 6), other(3, 2, 3), normal(2)], {"strides": [2], "pads": [1, 1]}),
    Case("ConvTranspose", [normal(1, 2, 3, 2, 3), other(2, 3, 2, 2, 2)], {"strides": [2, 1, 2]}),
    Case(
        "ConvTranspose",
        [normal(1, 4, 3, 2, 3), other(4, 1, 2, 3, 2), normal(2)],
        {
            "strides": [2, 1, 2],
            "dilations": [1, 2, 1],
            "group": 2,
            "output_padding": [1, 0, 0],
            "pads": [1, 1, 0, 0, 1, 1],
        },
    ),
    Case(
        "ConvTranspose",
        [normal(1, 2, 5), other(2, 3, 4)],
        {"strides": [3], "output_shape": [14], "auto_pad": "SAME_LOWER"},
    ),
    # pooling
    *(Case("MaxPool", [distinct(2, 3, 7, 6)], each) for each in POOLINGS),
    Case("MaxPool", [distinct(2, 3, 7, 6)], {"kernel_shape": [2, 2], "dilations": [2, 3]}),
    Case("MaxPool", [distinct(2, 3, 7, 6)], {"kernel_shape": [2, 2], "dilations": [2, 2], "strides": [3, 3]}),
    Case("MaxPool", [distinct(2, 3, 7, 6)], {"kernel_shape": [2, 2], "strides": [2, 2]}, outputs=2),
    Case("MaxPool", [distinct(2, 3, 7, 6)], {"kernel_shape": [3, 2], "storage_order": 1}, outputs=2),
    Case("MaxPool", [distinct(2, 3, 8)], {"kernel_shape": [3], "strides": [2], "pads": [1, 1]}),
    Case("MaxPool", [distinct(1, 2, 4, 5, 4)], {"kernel_shape": [2, 2, 2], "strides": [2, 1, 2]}),
    *(
        Case("AveragePool", [normal(2, 3, 7, 6)], {"count_include_pad": include, **each})
        for each in POOLINGS
        for include in (0, 1)
    ),
    Case("AveragePool", [normal(2, 3, 7, 6)], {"kernel_shape": [2, 2], "dilations": [2, 3]}, opset=19),
    Case("AveragePool", [normal(2, 3, 8)], {"kernel_shape": [3], "strides": [2], "pads": [1, 1]}),
    Case("AveragePool", [normal(1, 2, 4, 5, 4)], {"kernel_shape": [2, 2, 2], "strides": [2, 1, 2]}),
    *(
        Case("LpPool", [away_from([0], 2, 3, 7, 6)], {"p": p, **POOLINGS[i]})
        for p in (1, 2, 3)
        for i in (0, 1, 2)
    ),
    *(Case("GlobalAveragePool", [normal(*shape)]) for shape in ((2, 3, 4), (2, 3, 4, 5), (2, 3, 2, 2, 2))),
    *(Case("GlobalMaxPool", [distinct(*shape)]) for shape in ((2, 3, 4), (2, 3, 4, 5), (2, 3, 2, 2, 2))),
    *(Case("GlobalLpPool", [away_from([0], 2, 3, 4)], {"p": p}, newest=21) for p in (1, 2, 3)),
    *(
        Case("GlobalLpPool", [away_from([0], *shape)], {"p": 2}, newest=21)
        for shape in ((2, 3, 4, 5), (1, 2, 2, 3, 2))
    ),
    # three spatial axes, and windows that hang over the edge
    *(
        Case(
            "AveragePool",
            [normal(1, 2, 5, 6, 4)],
            {**VOLUME, "count_include_pad": include, "ceil_mode": up},
            opset=22,
        )
        for include in (0, 1)
        for up in (0, 1)
    ),
    *(Case("MaxPool", [distinct(1, 2, 5, 6, 4)], {**VOLUME, "ceil_mode": up}, opset=22) for up in (0, 1)),
    *(
        Case("LpPool", [away_from([0], 1, 2, 5, 6, 4)], {**VOLUME, "p": p, "ceil_mode": 1}, opset=22)
        for p in (1, 2, 4)
    ),
    *(
        Case(
            op,
            [x],
            {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [1, 1, 1, 1], "ceil_mode": 1},
            opset=22,
        )
        for op, x in (
            ("MaxPool", distinct(1, 2, 5, 7)),
            ("AveragePool", normal(1, 2, 5, 7)),
            ("LpPool", away_from([0], 1, 2, 5, 7)),
        )
    ),
    *(
        Case(
            "LpPool",
            [away_from([0], 2, 3, 7, 6)],
            {"kernel_shape": [3, 2], "strides": [2, 3], **same},
            opset=22,
        )
        for same in SAME
    ),
    # back from windows
    Case("Col2Im", [normal(2, 18, 16), ints(6, 5), ints(3, 2)]),
    Case(
        "Col2Im",
        [normal(2, 12, 12), ints(6, 5), ints(3, 2)],
        {"pads": [0, 1, 1, 0], "strides": [2, 1], "dilations": [1, 2]},
    ),
    Case("Col2Im", [normal(1, 6, 4), ints(5), ints(2)]),
    Case("Col2Im", [normal(1, 16, 12), ints(3, 4, 3), ints(2, 2, 2)]),
    Case("Col2Im", [normal(2, 18, 16), integers([6, 5]), integers([3, 2])], {"strides": [1, 1]}),
    Case("MaxUnpool", [normal(1, 1, 2, 2), integers([[[[5, 7], [13, 15]]]])], TWO_BY_TWO, newest=21),
    Case(
        "MaxUnpool",
        [normal(1, 1, 2, 2), integers([[[[5, 7], [13, 15]]]]), ints(1, 1, 5, 6)],
        TWO_BY_TWO,
        newest=21,
    ),
    Case(
        "MaxUnpool",
        [normal(1, 2, 3), integers([[[0, 3, 4], [7, 8, 11]]])],
        {"kernel_shape": [2], "strides": [2]},
        newest=21,
    ),
    Case(
        "MaxUnpool",
        [normal(1, 1, 3), integers([[[0, 3, 3]]])],
        {"kernel_shape": [2], "strides": [2]},
        newest=21,
    ),
)

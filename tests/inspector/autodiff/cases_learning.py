"""The operators of ai.onnx.ml that have a derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Array, Case, Fixed, distinct, integers, normal, other

X = normal(4, 3)
WEIGHTS = [0.5, -0.25, 0.75, 1.0, 0.125, -0.5]
NAMES = [0, 1]


def learned(op: str, inputs: list[Array | Fixed], attributes: dict[str, Any], **options: Any) -> Case:
    return Case(op, inputs, attributes, domain="ai.onnx.ml", **options)


CASES: tuple[Case, ...] = (
    learned("Scaler", [X], {"offset": [1.0, 2.0, 3.0], "scale": [2.0, 3.0, 0.5]}),
    learned("Scaler", [X], {"offset": [1.0], "scale": [2.0]}),
    *(learned("Normalizer", [np.abs(distinct(2, 4)) + 0.25], {"norm": norm}) for norm in ("MAX", "L1", "L2")),
    *(
        learned("Normalizer", [distinct(3, 4) + 0.025], {"norm": norm}, note=" signs")
        for norm in ("MAX", "L1", "L2")
    ),
    learned("LinearRegressor", [X], {"coefficients": WEIGHTS[:3], "intercepts": [0.5]}),
    *(
        learned(
            "LinearRegressor",
            [X],
            {"coefficients": WEIGHTS, "intercepts": [0.5, 1.0], "targets": 2, "post_transform": transform},
        )
        for transform in ("NONE", "LOGISTIC", "SOFTMAX")
    ),
    *(
        learned(
            "LinearClassifier",
            [X],
            {
                "coefficients": WEIGHTS,
                "intercepts": [0.5, 1.0],
                "classlabels_ints": NAMES,
                "post_transform": transform,
            },
            outputs=2,
        )
        for transform in ("NONE", "LOGISTIC", "SOFTMAX")
    ),
    learned(
        "Imputer",
        [np.array([[1.0, 2.0], [2.0, 3.0]])],
        {"imputed_value_floats": [9.0, 8.0], "replaced_value_float": 7.0},
    ),
    learned("FeatureVectorizer", [normal(2, 3), other(2, 2)], {"inputdimensions": [3, 2]}),
    learned("FeatureVectorizer", [normal(2, 3)], {"inputdimensions": [3]}),
    learned("ArrayFeatureExtractor", [X, integers([2, 0, 2])], {}),
)

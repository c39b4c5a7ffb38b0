"""The operators of ai.onnx.ml that have a derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Array, Case, Fixed, distinct, integers, normal, other

X = normal(4, 3)
WEIGHTS = [0.5, -0.25, 0.75, 1.0, 0.125, -0.5]
NAMES = [0, 1]
SUPPORT = {"support_vectors": [0.5, -0.25, 1.0, -1.0, 0.75, 0.25, 0.125, 0.5, -0.5, 1.5, 0.0, -0.75]}


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
    *(
        learned(
            "LinearClassifier",
            [X],
            {
                "coefficients": WEIGHTS[:3],
                "intercepts": [0.5],
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
    *(
        learned(
            "SVMRegressor",
            [X],
            {
                **SUPPORT,
                "coefficients": [0.5, -0.75, 1.0, 0.25],
                "n_supports": 4,
                "rho": [0.5],
                "kernel_type": kernel,
                "kernel_params": [0.25, 0.5, 3.0],
            },
        )
        for kernel in ("LINEAR", "POLY", "RBF", "SIGMOID")
    ),
    learned(
        "SVMRegressor",
        [X],
        {"coefficients": [0.5, -0.75, 1.0], "n_supports": 0, "rho": [0.5], "kernel_params": [0.0, 0.0, 0.0]},
    ),
    *(
        learned(
            "SVMClassifier",
            [X],
            {
                **SUPPORT,
                "coefficients": [0.5, -0.75, 1.0, 0.25, 0.125, 1.0, -0.5, 0.75][: 4 * (len(counts) - 1)],
                "vectors_per_class": counts,
                "rho": [0.5, -0.25, 0.125][: len(counts) * (len(counts) - 1) // 2],
                "classlabels_ints": list(range(len(counts))),
                "kernel_type": kernel,
                "kernel_params": [0.25, 0.5, 3.0],
            },
            outputs=2,
        )
        for kernel, counts in (("RBF", [2, 2]), ("POLY", [1, 2, 1]), ("LINEAR", [2, 1, 1]))
    ),
    learned(
        "SVMClassifier",
        [X],
        {
            "coefficients": [*WEIGHTS, 0.25, 1.5, -1.0],
            "classlabels_ints": [0, 1, 2],
            "rho": [0.5],
            "kernel_params": [0.0, 0.0, 0.0],
        },
        outputs=2,
    ),
)

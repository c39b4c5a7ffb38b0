"""Matrix products and normalisations."""

from __future__ import annotations

from itertools import product

import numpy as np

from .case import Case, Fixed, away_from, integers, ints, normal, other, uniform

CASES = (
    *(
        Case(
            "Gemm",
            [normal(4, 2) if ta else normal(2, 4), other(3, 4) if tb else other(4, 3), c],
            {"transA": ta, "transB": tb, "alpha": 0.7, "beta": 1.3},
        )
        for ta, tb, c in product((0, 1), (0, 1), (normal(2, 3), normal(3)))
    ),
    Case("Gemm", [normal(2, 4), other(4, 3)]),
    Case("Gemm", [normal(2, 4), other(4, 3), normal(2, 1)]),
    Case("Gemm", [normal(2, 4), other(4, 3), np.array(0.5)], {"beta": 2.0}),
    Case("Gemm", [normal(1, 4), Fixed(other(3, 4)), Fixed(normal(3))], {"transB": 1}),
    Case("MatMul", [normal(2, 3), other(3, 4)]),
    Case("MatMul", [normal(3), other(3)]),
    Case("MatMul", [normal(3), other(3, 4)]),
    Case("MatMul", [normal(2, 3), other(3)]),
    Case("MatMul", [normal(3), other(2, 3, 4)]),
    Case("MatMul", [normal(5, 2, 3), other(3)]),
    Case("MatMul", [normal(5, 2, 3), other(3, 4)]),
    Case("MatMul", [normal(2, 3), other(5, 3, 4)]),
    Case("MatMul", [normal(5, 2, 3), other(5, 3, 4)]),
    Case("MatMul", [normal(1, 2, 3), other(5, 3, 4)]),
    Case("MatMul", [normal(6, 1, 2, 3), other(5, 3, 4)]),
    Case("MatMul", [normal(6, 1, 2, 3), other(1, 5, 3, 4)]),
    Case("MatMul", [normal(5, 1, 3), other(3, 1)]),
    # normalisations
    *(
        Case(
            "BatchNormalization", [x, normal(3), other(3), uniform(-1, 1, 3), uniform(0.5, 2, 3)], attributes
        )
        for x in (normal(2, 3), normal(2, 3, 4), normal(2, 3, 4, 2), normal(2, 3, 2, 2, 2))
        for attributes in ({}, {"epsilon": 0.1})
    ),
    *(
        Case(
            "BatchNormalization",
            [x, normal(3), other(3), uniform(-1, 1, 3), uniform(0.5, 2, 3)],
            {"training_mode": 1, **attributes},
            outputs=outputs,
        )
        for x in (normal(4, 3), normal(2, 3, 4, 2))
        for outputs, attributes in ((3, {}), (3, {"momentum": 0.3, "epsilon": 0.1}))
    ),
    Case("InstanceNormalization", [normal(2, 3, 4), normal(3), other(3)]),
    Case("InstanceNormalization", [normal(2, 3, 2, 3, 2), normal(3), Fixed(other(3))]),
    Case("InstanceNormalization", [normal(2, 3, 4, 5), normal(3), other(3)], {"epsilon": 0.1}),
    Case("LayerNormalization", [normal(2, 3, 4), normal(4)]),
    Case("LayerNormalization", [normal(2, 3, 4), normal(4), other(4)]),
    Case("LayerNormalization", [normal(2, 3, 4), normal(3, 4), other(3, 4)], {"axis": 1, "epsilon": 0.1}),
    Case("LayerNormalization", [normal(2, 3, 4), normal(4), other(4)], outputs=2),
    Case("LayerNormalization", [normal(2, 3, 4), normal(4), other(4)], outputs=3),
    Case("LayerNormalization", [normal(2, 3, 4), normal(3, 4)], {"axis": -2}, outputs=3),
    Case("LRN", [normal(2, 5, 3, 2)], {"size": 3, "alpha": 0.5}),
    Case("LRN", [normal(2, 5, 3, 2)], {"size": 5, "alpha": 0.5, "beta": 0.6, "bias": 2.0}),
    Case("LRN", [normal(2, 5, 3, 2)], {"size": 4, "alpha": 0.5}, runtime=False),
    Case("LRN", [normal(2, 5, 3)], {"size": 3, "alpha": 0.5}, runtime=False),
    Case("LRN", [normal(2, 4, 2, 2, 2)], {"size": 7, "alpha": 0.5}, runtime=False),
    *(
        Case("LpNormalization", [away_from([0], 3, 4)], {"p": p, "axis": axis})
        for p in (1, 2)
        for axis in (0, -1)
    ),
    # operators without a rule of their own, which the standard defines by others
    Case("GroupNormalization", [normal(2, 4, 3), normal(2), other(2)], {"num_groups": 2}, newest=20),
    Case("GroupNormalization", [normal(2, 4, 3, 2), normal(4), other(4)], {"num_groups": 2}, opset=21),
    *(
        Case(
            "GroupNormalization",
            [normal(2, 4, *sizes), normal(4), other(4)],
            {"num_groups": groups, "epsilon": 0.01},
            opset=21,
        )
        for groups, sizes in ((1, (3,)), (4, (2, 3, 2)))
    ),
    Case("MeanVarianceNormalization", [normal(2, 3, 2, 2)]),
    Case("RMSNormalization", [normal(2, 3, 4), normal(4)], opset=23),
    Case("RotaryEmbedding", [normal(1, 2, 3, 4), other(1, 3, 2), normal(1, 3, 2)], opset=23),
    Case("Attention", [normal(1, 2, 3, 4), other(1, 2, 5, 4), normal(1, 2, 5, 4)], opset=23),
    Case(
        "Attention", [normal(1, 2, 3, 4), other(1, 2, 3, 4), normal(1, 2, 3, 4)], {"is_causal": 1}, opset=23
    ),
    Case("NegativeLogLikelihoodLoss", [normal(3, 4), integers([0, 3, 1])]),
    Case("SoftmaxCrossEntropyLoss", [normal(3, 4), integers([0, 3, 1])]),
    Case("CenterCropPad", [normal(3, 4), ints(5, 2)]),
)

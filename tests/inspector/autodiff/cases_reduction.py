"""Reductions."""

from __future__ import annotations

import numpy as np

from .case import Array, Case, Fixed, away_from, distinct, integers, ints, normal

SAMPLES: dict[str, Array] = {
    "ReduceL1": away_from([0], 2, 3, 4),
    "ReduceL2": normal(2, 3, 4),
    "ReduceLogSum": np.abs(away_from([0], 2, 3, 4)),
    "ReduceLogSumExp": normal(2, 3, 4),
    "ReduceMax": distinct(2, 3, 4),
    "ReduceMean": normal(2, 3, 4),
    "ReduceMin": distinct(2, 3, 4),
    "ReduceProd": away_from([0], 2, 3, 4),
    "ReduceSum": normal(2, 3, 4),
    "ReduceSumSquare": normal(2, 3, 4),
}

NO_AXES: list[list[Fixed]] = [[], [ints()]]

AXES: list[tuple[list[Array | Fixed], dict[str, int]]] = [
    ([], {}),
    ([], {"keepdims": 0}),
    ([ints(1)], {}),
    ([ints(-1, 0)], {"keepdims": 0}),
    ([integers([0, 2])], {}),
    ([integers([1])], {"keepdims": 0}),
]

CASES = (
    *(Case(op, [x, *axes], attributes) for op, x in SAMPLES.items() for axes, attributes in AXES),
    *(
        Case(op, [SAMPLES[op], *axes], {"noop_with_empty_axes": 1, "keepdims": keepdims})
        for op in SAMPLES
        for axes in NO_AXES
        for keepdims in (0, 1)
    ),
    *(
        Case("CumSum", [normal(2, 3, 4), axis], {"reverse": reverse, "exclusive": exclusive})
        for axis in (Fixed(np.array(1)), np.array(-1))
        for reverse in (0, 1)
        for exclusive in (0, 1)
    ),
)

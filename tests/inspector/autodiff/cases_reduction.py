"""Reductions."""

from __future__ import annotations

import numpy as np

from .case import Case, Fixed, away_from, distinct, integers, ints, normal

SAMPLES = {
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

CASES = (
    *(
        Case(op, inputs, attributes)
        for op, x in SAMPLES.items()
        for inputs, attributes in (
            ([x], {}),
            ([x], {"keepdims": 0}),
            ([x, ints(1)], {}),
            ([x, ints(-1, 0)], {"keepdims": 0}),
            ([x, integers([0, 2])], {}),
            ([x, integers([1])], {"keepdims": 0}),
        )
    ),
    *(
        Case(op, [SAMPLES[op], *axes], {"noop_with_empty_axes": 1, "keepdims": keepdims})
        for op in ("ReduceMax", "ReduceMean", "ReduceSum")
        for axes in ([], [ints()])
        for keepdims in (0, 1)
    ),
    *(
        Case("CumSum", [normal(2, 3, 4), axis], {"reverse": reverse, "exclusive": exclusive})
        for axis in (Fixed(np.array(1)), np.array(-1))
        for reverse in (0, 1)
        for exclusive in (0, 1)
    ),
)

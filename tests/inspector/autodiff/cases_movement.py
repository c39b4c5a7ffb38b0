"""Operators that move and pick elements."""

from __future__ import annotations

import numpy as np

from .case import Case, Fixed, distinct, integers, ints, normal, other

FAR = 2**63 - 1

PADS = (
    [0, 1, 2, 0, 0, 3],
    [1, 0, 0, 1, 2, 1],
    [0, -1, 0, 0, 0, -1],
    [0, 2, -1, 0, -1, 1],
)

SLICES = (
    ([1], [3], [1], [1]),
    ([0, 1], [2, FAR], [0, 2], [1, 1]),
    ([-3], [-1], [2], [1]),
    ([1], [5], [2], [2]),
    ([-1], [-FAR], [2], [-1]),
    ([4, 1], [0, 2], [-1, 0], [-2, 1]),
    ([-100], [100], [1], [1]),
    ([3], [2], [2], [1]),
)

CASES = (
    # same elements, other shape
    Case("Reshape", [normal(2, 6), ints(3, 4)]),
    Case("Reshape", [normal(2, 6), ints(0, -1, 3)]),
    Case("Reshape", [normal(2, 6), ints(-1)]),
    Case("Reshape", [normal(2, 6), integers([4, 3])]),
    Case("Reshape", [normal(2, 6), ints(3, 4)], {"allowzero": 1}),
    *(Case("Flatten", [normal(2, 3, 4)], {"axis": axis}) for axis in (0, 1, 2, 3, -1)),
    Case("Flatten", [normal(2, 3, 4)]),
    Case("Transpose", [normal(2, 3, 4)]),
    Case("Transpose", [normal(2, 3, 4)], {"perm": [1, 2, 0]}),
    Case("Transpose", [normal(2, 3, 4)], {"perm": [2, 1, 0]}),
    Case("Squeeze", [normal(2, 1, 3, 1), ints(1)]),
    Case("Squeeze", [normal(2, 1, 3, 1), ints(-1, 1)]),
    Case("Squeeze", [normal(2, 1, 3, 1)]),
    Case("Squeeze", [normal(2, 1, 3, 1), integers([3])]),
    Case("Unsqueeze", [normal(2, 3), ints(1)]),
    Case("Unsqueeze", [normal(2, 3), ints(-1, 0)]),
    Case("Unsqueeze", [normal(2, 3), integers([1, 2])]),
    Case("Expand", [normal(3, 1), ints(2, 3, 4)]),
    Case("Expand", [normal(2, 3), ints(1, 1)]),
    Case("Expand", [normal(1, 3), integers([4, 1])]),
    *(Case("DepthToSpace", [normal(2, 8, 2, 3)], {"blocksize": 2, "mode": mode}) for mode in ("DCR", "CRD")),
    Case("SpaceToDepth", [normal(2, 2, 4, 6)], {"blocksize": 2}),
    *(
        Case("SpaceToDepth", [normal(2, 2, 4, 6)], {"blocksize": 2, "mode": mode}, opset=28, runtime=False)
        for mode in ("DCR", "CRD")
    ),
    # pieces
    Case("Concat", [normal(2, 3), other(2, 1), normal(2, 4)], {"axis": 1}),
    Case("Concat", [normal(2, 3), other(1, 3)], {"axis": -2}),
    Case("Concat", [normal(2, 3)], {"axis": 0}),
    Case("Split", [normal(2, 6)], {"axis": 1, "num_outputs": 3}, outputs=3),
    Case("Split", [normal(2, 7)], {"axis": -1, "num_outputs": 3}, outputs=3),
    Case("Split", [normal(2, 6), ints(1, 3, 2)], {"axis": 1}, outputs=3),
    Case("Split", [normal(6, 2), integers([2, 4])], outputs=2),
    *(Case("Slice", [normal(2, 4, 5), *(ints(*each) for each in bounds)]) for bounds in SLICES),
    *(Case("Slice", [normal(2, 4, 5), *(integers(each) for each in bounds)]) for bounds in SLICES[:6]),
    *(
        Case("Slice", [normal(2, 4, 5), integers(starts), integers(ends), ints(*axes)])
        for starts, ends, axes, steps in SLICES
        if set(steps) == {1} and starts != [3]
    ),
    Case("Slice", [normal(2, 4, 5), integers([1, -3]), integers([2, -1])]),
    Case("Slice", [normal(2, 4, 5), ints(1, 1), ints(2, 3)]),
    Case("Slice", [normal(2, 4, 5), ints(1), ints(3), None, ints(2)]),
    Case("Slice", [normal(2, 4, 5), ints(1), ints(3), integers([1])]),
    # borders
    *(Case("Pad", [normal(2, 3, 4), ints(*pads)]) for pads in PADS),
    *(Case("Pad", [normal(2, 3, 4), ints(*pads), np.array(0.5)]) for pads in PADS),
    *(
        Case("Pad", [normal(2, 3, 4), ints(*PADS[i])], {"mode": mode})
        for mode in ("reflect", "edge")
        for i in (0, 1)
    ),
    *(Case("Pad", [normal(2, 3, 4), ints(*PADS[i])], {"mode": "wrap"}, opset=19) for i in (0, 1)),
    Case("Pad", [normal(2, 3, 4), ints(1, 2), None, ints(-1)]),
    Case("Pad", [normal(2, 3, 4), ints(1, -1, 2, 0), np.array(0.5), ints(2, 1)]),
    Case("Pad", [normal(2, 3, 4), ints(1, 2), None, ints(1)], {"mode": "reflect"}),
    Case("Pad", [normal(2, 3, 4), integers(PADS[0])]),
    Case("Pad", [normal(2, 3, 4), integers([1, 2]), np.array(0.5), integers([1])]),
    Case("Pad", [normal(2, 3, 4), integers(PADS[2])]),
    *(
        Case("Pad", [normal(2, 3, 4), pads], {"mode": mode}, opset=19)
        for mode in ("edge", "reflect", "wrap")
        for pads in (integers(PADS[1]), integers(PADS[2]))
        if not (mode == "reflect" and pads.tolist() == PADS[1])
    ),
    *(
        Case("Pad", [normal(2, 3, 4), integers([1, -1, 2, 1]), None, axes], {"mode": mode}, opset=19)
        for mode in ("edge", "reflect", "wrap")
        for axes in (ints(2, 1), ints(-2, -1), integers([1, 2]))
    ),
    # copies
    Case("Tile", [normal(2, 3), ints(2, 3)]),
    Case("Tile", [normal(2, 3), integers([1, 4])]),
    *(Case("Trilu", [normal(3, 4)], {"upper": upper}) for upper in (0, 1)),
    Case("Trilu", [normal(2, 3, 3), Fixed(np.array(1))], {"upper": 1}),
    Case("Compress", [normal(3, 4), Fixed(np.array([True, False, True]))], {"axis": 0}),
    Case("Compress", [normal(2, 3), Fixed(np.array([True, False, True, True]))]),
    Case("ReverseSequence", [normal(4, 3), integers([2, 4, 1])]),
    Case("ReverseSequence", [normal(3, 4), integers([2, 4, 1])], {"batch_axis": 0, "time_axis": 1}),
    # indices
    Case("Gather", [normal(4, 3), ints(0, 2, 2)]),
    Case("Gather", [normal(4, 3), integers([[0, 2], [-1, 2]])]),
    Case("Gather", [normal(4, 3), np.array([0, 2], dtype=np.int32)], note=" int32"),
    Case("GatherElements", [normal(3, 2), np.array([[0, 2]], dtype=np.int32)], note=" int32"),
    Case("Gather", [normal(2, 4, 3), integers([[0, 2], [-1, 2]])], {"axis": 1}),
    Case("Gather", [normal(2, 4, 3), Fixed(np.array(1))], {"axis": -1}),
    Case("Gather", [normal(2, 4, 3), Fixed(np.array(0))], {"axis": 1}),
    Case("GatherElements", [normal(3, 4), integers([[0, 1, -1, 2], [2, 2, 0, 0]])]),
    Case("GatherElements", [normal(3, 4), integers([[0], [1], [3]])], {"axis": 1}),
    Case("GatherElements", [normal(3, 4), integers([[0, 0], [1, 2], [-1, 2]])], {"axis": -1}),
    Case("GatherND", [normal(3, 4), integers([[0, 1], [2, 3], [0, 1]])]),
    Case("GatherND", [normal(3, 4, 2), integers([[0], [2]])]),
    Case("GatherND", [normal(3, 4, 2), integers([[1], [2], [-1]])], {"batch_dims": 1}),
    *(
        Case(
            "ScatterElements",
            [normal(3, 4), integers([[0, 1, -1, 2]]), normal(1, 4)],
            {"reduction": reduction},
        )
        for reduction in ("none", "add")
    ),
    Case("ScatterElements", [normal(3, 4), integers([[2], [1], [0]]), other(3, 1)], {"axis": 1}),
    Case("ScatterElements", [normal(3, 4), integers([[1, 1], [1, 1]]), other(2, 2)], {"reduction": "add"}),
    *(
        Case("ScatterND", [normal(3, 4), integers([[0, 1], [2, 3]]), normal(2)], {"reduction": reduction})
        for reduction in ("none", "add")
    ),
    Case("ScatterND", [normal(3, 4), integers([[2], [0]]), other(2, 4)]),
    Case("TopK", [distinct(3, 5), ints(2)], outputs=2),
    Case("TopK", [distinct(3, 5), integers([3])], {"axis": 0, "largest": 0}, outputs=2),
)

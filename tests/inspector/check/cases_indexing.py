"""Indices: what the double-precision evaluator picks and writes itself."""

from __future__ import annotations

import numpy as np

from tests.inspector.check.cases import Case, integers

VALUES = np.array([-1.5, 2.5], dtype=np.float32)

INDEXING = [
    Case("OneHot", (integers(0, 2, -1), np.array(4), VALUES)),
    Case("OneHot", (integers([0, 2], [1, 5]), integers(3), VALUES), {"axis": 1}),
    Case("OneHot", (integers([0, 2], [-4, -3]), integers(3), VALUES), {"axis": -2}),
    Case("Scatter", ((3, 4), integers([0, 2, 1, -1]), (1, 4)), opset=9),
    Case("Scatter", ((3, 4), integers([1], [0], [3]), (3, 1)), {"axis": 1}, opset=10),
]

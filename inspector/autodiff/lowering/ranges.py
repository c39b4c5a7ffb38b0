"""Between which numbers the elements of a tensor lie: a saturation that cannot happen is no kink."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import onnx_ir as ir

if TYPE_CHECKING:
    from inspector.autodiff.lowering.scope import Scope

__all__ = ["Range", "range_of"]


class Range(NamedTuple):
    """Least and largest number."""

    low: float = -float("inf")
    high: float = float("inf")


_RESULTS = {
    "HardSigmoid": Range(0, 1),
    "Relu": Range(0),
    "Sigmoid": Range(0, 1),
    "Softmax": Range(0, 1),
    "Tanh": Range(-1, 1),
}
_KEEPING = frozenset(
    [
        "Cast",
        "DepthToSpace",
        "Flatten",
        "Gather",
        "GlobalAveragePool",
        "GlobalMaxPool",
        "Identity",
        "MaxPool",
        "ReduceMax",
        "ReduceMean",
        "ReduceMin",
        "Reshape",
        "Slice",
        "SpaceToDepth",
        "Split",
        "Squeeze",
        "Transpose",
        "Unsqueeze",
    ]
)
"""Operators whose results lie between the least and the largest element of their first input."""


def range_of(scope: Scope, value: ir.Value) -> Range:
    """What can be told without a run."""
    while value not in scope.ranges:
        node = value.producer()
        if node is None or node.domain:
            return Range()
        if node.op_type in _RESULTS:
            return _RESULTS[node.op_type]
        if node.op_type == "Clip":
            limits = [
                scope.known(node.inputs[place]) if len(node.inputs) > place else None for place in (1, 2)
            ]
            low, high = (None if limit is None else float(np.asarray(limit).reshape(())) for limit in limits)
            return Range(-float("inf") if low is None else low, float("inf") if high is None else high)
        if node.op_type not in _KEEPING or node.inputs[0] is None:
            return Range()
        value = node.inputs[0]
    return scope.ranges[value]

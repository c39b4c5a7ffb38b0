"""The decisions of a graph: comparisons, places of maxima, signs, roundings to integers.

A gradient is smooth between them. Where two numbers are nearer to each other than float32 rounding (a maximum, a ReLU
near its zero), float32 and float64 decide otherwise, and their gradients differ by as much as the two sides do,
although both are right. With the decisions of one fed to the other only rounding is left between the gradients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto

from inspector.check.cut import between, reads
from inspector.check.forward import Evaluator
from inspector.check.reference import Array, Float64Evaluator

__all__ = ["NONE", "Decision", "NearTies", "find_decisions", "find_near_ties"]

_OUTPUT = {
    **dict.fromkeys(("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "IsInf", "IsNaN"), 0),
    **dict.fromkeys(("ArgMax", "ArgMin", "Hardmax", "NonMaxSuppression", "NonZero"), 0),
    **dict.fromkeys(("Cast", "Ceil", "Floor", "Round", "Sign"), 0),
    **dict.fromkeys(("MaxPool", "TopK", "Unique"), 1),
}
"""Operators whose output, the one of this number, is discrete."""
_FLOATS = frozenset(
    (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.UNDEFINED)
)


@dataclass(frozen=True)
class Decision:
    """A tensor of decisions.

    Attributes:
        name: of the tensor.
        op_type: of the operator that decides.
        operands: names of the tensors that it reads and a node has computed.
    """

    name: str
    op_type: str
    operands: tuple[str, ...]


@dataclass(frozen=True)
class NearTies:
    """Decisions that one precision takes otherwise than the other, where it may.

    Attributes:
        count: how many.
        of: how many there are in the tensors that hold them.
        operators: that take them.
    """

    count: int
    of: int
    operators: tuple[str, ...]


NONE = NearTies(0, 0, ())


def find_decisions(model: ModelProto, output: str) -> list[Decision]:
    """Those of the main graph that `output` depends on, in the order in which they are taken; constant ones left out.

    Decisions within the body of an `If`, `Loop` or `Scan` have no name outside it: they are not among them.
    """
    graph = model.graph
    inputs = {value.name for value in graph.input}
    varying = inputs - {weight.name for weight in graph.initializer}
    found = []
    for node in between(graph.node, inputs, [output]):
        if varying.isdisjoint(reads(node)):
            continue
        varying.update(node.output)
        place = _OUTPUT.get(node.op_type)
        if place is None or node.domain or not _discrete(node):
            continue
        operands = tuple(name for name in node.input if name in varying)
        if operands and place < len(node.output) and node.output[place]:
            found.append(Decision(node.output[place], node.op_type, operands))
    return found


def _discrete(node: NodeProto) -> bool:
    return node.op_type != "Cast" or node.attribute[0].i not in _FLOATS


def find_near_ties(
    decisions: Sequence[Decision],
    taken: Mapping[str, Array],
    exact: Mapping[str, Array],
    double: Float64Evaluator,
    single: Evaluator,
    feeds: Sequence[Mapping[str, Array]],
    which: int,
) -> NearTies | None:
    """Whether each decision that float32 takes otherwise than float64 is one that rounding leaves open.

    It is, where it follows from float32's own operands, and these are as near to the float64 ones as rounding explains:
    within four times what they move by when the inputs move by rounding (Monte Carlo arithmetic: Parker 1997; the
    largest of some draws) and a unit in the last place. So the two sides are nearer to each other than the operands'
    rounding, and digits that float32 has lost otherwise do not count as that.

    Args:
        decisions: in the order in which they are taken.
        taken: by float32, by name.
        exact: by float64, by name.
        double: of the graph.
        single: of the graph.
        feeds: the inputs, then these moved by rounding.
        which: of `feeds`, those that `taken` was decided for.

    Returns:
        None where a decision is wrong.
    """
    others = [each for each in decisions if not np.array_equal(taken[each.name], exact[each.name])]
    operands = list(dict.fromkeys(name for each in others for name in each.operands))
    if not others:
        return NONE
    runs = [dict(zip(operands, single.run(operands, feed), strict=True)) for feed in feeds]
    truth = dict(zip(operands, double.run(operands, feeds[0]), strict=True))
    open_ = {name for name in operands if _is_rounding(name, runs, truth, which)}
    count = of = 0
    for each in others:
        (again,) = double.run([each.name], {name: runs[which][name] for name in each.operands})
        if not open_.issuperset(each.operands) or not np.array_equal(again, taken[each.name]):
            return None
        if any(truth[name].dtype.kind == "f" for name in each.operands):
            count += _differing(taken[each.name], exact[each.name])
            of += exact[each.name].size
    return NearTies(count, of, tuple(dict.fromkeys(each.op_type for each in others)))


def _is_rounding(
    name: str, runs: Sequence[Mapping[str, Array]], truth: Mapping[str, Array], which: int
) -> bool:
    """Integers were decided before, and are judged there."""
    unmoved, exact, own = runs[0][name], truth[name], runs[which][name]
    if exact.dtype.kind != "f":
        return True
    if any(run[name].shape != exact.shape for run in runs):
        return False
    eps = float(np.finfo(unmoved.dtype).eps)
    moved = max(_distance(run[name], unmoved) for run in runs)
    return _distance(own, exact) <= 4 * moved + eps * float(np.abs(exact).max(initial=0.0))


def _distance(one: Array, other: Array) -> float:
    with np.errstate(invalid="ignore"):
        apart = np.abs(one.astype(np.float64) - other.astype(np.float64))
    return float(np.where(one == other, 0.0, apart).max(initial=0.0))


def _differing(one: Array, other: Array) -> int:
    return int(np.count_nonzero(one != other)) if one.shape == other.shape else abs(one.size - other.size)

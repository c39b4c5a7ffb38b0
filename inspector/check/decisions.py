"""The decisions of a graph: comparisons, places of maxima, signs, roundings to integers.

A gradient is smooth between them. Where two numbers are nearer to each other than float32 rounding (a maximum, a ReLU
near its zero), float32 and float64 decide otherwise, and their gradients differ by as much as the two sides do,
although both are right. With the decisions of one fed to the other only rounding is left between the gradients.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto

from inspector.check.cut import between, reads
from inspector.check.forward import Evaluator
from inspector.check.reference import Array, Float64Evaluator

__all__ = ["NONE", "Decision", "NearTies", "Runs", "differing", "find_decisions", "find_near_ties"]

_OUTPUT = {
    **dict.fromkeys(("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "IsInf", "IsNaN"), 0),
    **dict.fromkeys(("ArgMax", "ArgMin", "Hardmax", "NonMaxSuppression", "NonZero"), 0),
    **dict.fromkeys(("Cast", "Ceil", "Floor", "HardSigmoid", "Round", "Sign"), 0),
    **dict.fromkeys(("MaxPool", "TopK", "Unique"), 1),
}
"""Operators whose output, the one of this number, is discrete."""
_FLOATS = frozenset(
    (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.UNDEFINED)
)

_STEEP = 64
"""Slope of a `HardSigmoid` that stands for a step (see `inspector.autodiff.steps`): no activation is as steep."""
_TOGETHER = 2**26
"""Decisions whose operands are held at a time."""


@dataclass(frozen=True)
class Decision:
    """A tensor of decisions.

    Attributes:
        name: of the tensor.
        op_type: of the operator that decides, or `step`.
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
            name = "step" if node.op_type == "HardSigmoid" else node.op_type
            found.append(Decision(node.output[place], name, operands))
    return found


def _discrete(node: NodeProto) -> bool:
    attributes = {attribute.name: attribute for attribute in node.attribute}
    if node.op_type == "HardSigmoid":
        return "alpha" in attributes and abs(attributes["alpha"].f) >= _STEEP
    return node.op_type != "Cast" or attributes["to"].i not in _FLOATS


@dataclass(frozen=True)
class Runs:
    """Where the values of a gradient graph come from.

    Attributes:
        double: of the graph.
        single: of the graph.
        feeds: the inputs, then these moved by rounding several times.
    """

    double: Float64Evaluator
    single: Evaluator
    feeds: Sequence[Mapping[str, Array]]


def find_near_ties(
    decisions: Sequence[Decision],
    taken: Mapping[str, Array],
    exact: Mapping[str, Array],
    runs: Runs,
    feed: Mapping[str, Array],
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
        runs: of the graph.
        feed: that `taken` was decided for, one of `runs.feeds`.

    Returns:
        None where a decision is wrong.
    """
    others = [each for each in decisions if not np.array_equal(taken[each.name], exact[each.name])]
    count = of = 0
    for some in _portions(others, exact):
        operands = list(dict.fromkeys(name for each in some for name in each.operands))
        own = dict(zip(operands, runs.single.run(operands, feed), strict=True))
        truth = dict(zip(operands, runs.double.run(operands, runs.feeds[0]), strict=True))
        if not _is_rounding(own, truth, runs):
            return None
        for each in some:
            (again,) = runs.double.run([each.name], {name: own[name] for name in each.operands})
            if not np.array_equal(again, taken[each.name]):
                return None
            # (comparisons of integers were decided before)
            if any(truth[name].dtype.kind == "f" for name in each.operands):
                count += differing(taken[each.name], exact[each.name])
                of += exact[each.name].size
    return NearTies(count, of, tuple(dict.fromkeys(each.op_type for each in others)))


def _portions(decisions: Sequence[Decision], values: Mapping[str, Array]) -> Iterator[list[Decision]]:
    """As many at a time as memory allows, whose operands are about as large as they are."""
    some: list[Decision] = []
    for each in decisions:
        if some and sum(values[one.name].size for one in (*some, each)) > _TOGETHER:
            yield some
            some = []
        some.append(each)
    if some:
        yield some


def _is_rounding(own: Mapping[str, Array], truth: Mapping[str, Array], runs: Runs) -> bool:
    """Whether the operands of float32 differ from the float64 ones by no more than rounding explains."""
    names = [name for name, value in truth.items() if value.dtype.kind == "f"]
    if any(own[name].shape != truth[name].shape for name in names):
        return False
    unmoved = dict(zip(names, runs.single.run(names, runs.feeds[0]), strict=True))
    moved = dict.fromkeys(names, 0.0)
    for feed in runs.feeds[1:]:
        for name, value in zip(names, runs.single.run(names, feed), strict=True):
            if value.shape != truth[name].shape:
                return False
            moved[name] = max(moved[name], _distance(value, unmoved[name]))
    return all(
        _distance(own[name], truth[name])
        <= 4 * moved[name]
        + float(np.finfo(own[name].dtype).eps) * float(np.abs(truth[name]).max(initial=0.0))
        for name in names
    )


def _distance(one: Array, other: Array) -> float:
    with np.errstate(invalid="ignore"):
        apart = np.abs(one.astype(np.float64) - other.astype(np.float64))
    return float(np.where(one == other, 0.0, apart).max(initial=0.0))


def differing(one: Array, other: Array) -> int:
    """How many decisions do; of tensors of unlike sizes (`NonZero`) by how many they do."""
    return int(np.count_nonzero(one != other)) if one.shape == other.shape else abs(one.size - other.size)

"""Multipliers of operators in which many inputs make each result: softmax and its logarithm, normalisations.

Each is a chain of functions of one variable, sums and products; its multipliers are those of the chain, multiplied out.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from inspector.autodiff import RULES
from inspector.autodiff.tape import Operand, Tape, Values
from inspector.explain.overrides.reference import at_reference

__all__ = ["layer_normalisation", "log_softmax", "log_sum_exp", "softmax"]

# below this share of itself a change's quotient has few digits left, and the value at the middle is exact to 1e-5
SMALL = 1e-2


def softmax(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Of exp(x - log sum exp x)."""
    (g,), (x,) = cotangents, node.inputs
    axis = node.attributes.get_int("axis", -1)
    before = at_reference(tape, node)
    log, shares = _log_sum(tape, x, before[x], [axis])
    exponents = [tape.Sub(each, part) for each, part in zip((x, before[x]), log, strict=True)]
    through = tape.Mul(g, _of_exponential(tape, *exponents))
    return [tape.Sub(through, tape.Mul(shares, tape.ReduceSum(through, [axis], keepdims=1)))]


def log_softmax(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Of x - log sum exp x."""
    (g,), (x,) = cotangents, node.inputs
    axis = node.attributes.get_int("axis", -1)
    _, shares = _log_sum(tape, x, at_reference(tape, node)[x], [axis])
    return [tape.Sub(g, tape.Mul(shares, tape.ReduceSum(g, [axis], keepdims=1)))]


def log_sum_exp(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Over axes that the model tells; else the derivative."""
    g, x = cotangents[0], node.inputs[0]
    axes = tape.known(node.inputs[1]) if len(node.inputs) > 1 else None
    if axes is None or not axes.size:
        return RULES["", node.op_type](tape, node, cotangents)
    over = [int(axis) for axis in axes]
    _, shares = _log_sum(tape, x, at_reference(tape, node)[x], over)
    spread = g if node.attributes.get_int("keepdims", 1) else tape.Unsqueeze(g, over)
    return [tape.Mul(spread, shares), None]


def layer_normalisation(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Of c / sqrt(mean of c c + epsilon) with c = x - mean of x: c c is a product, and the change of the root s is that
    of its square over s + s'.
    """
    (x, scale, *rest), g = node.inputs, cotangents[0]
    rank = tape.rank(x)
    if node.op_type == "LayerNormalization":
        axes = list(range(node.attributes.get_int("axis", -1) % rank, rank))
    else:
        axes = list(range(2, rank))
        scale = tape.Reshape(scale, [1, -1, *[1] * (rank - 2)])
    small = node.attributes.get_float("epsilon", 1e-5)

    def standard(value: Operand) -> tuple[ir.Value, ir.Value]:
        centred = tape.Sub(value, tape.ReduceMean(value, axes, keepdims=1))
        variance = tape.ReduceMean(tape.Mul(centred, centred), axes, keepdims=1)
        return centred, tape.Sqrt(tape.Add(variance, small))

    (c, s), (c0, s0) = standard(x), standard(at_reference(tape, node)[x])
    arrived, both = tape.Mul(g, scale), tape.Add(c, c0)
    direct = tape.Mul(tape.Mul(arrived, 0.5), tape.Add(tape.Reciprocal(s), tape.Reciprocal(s0)))
    root = tape.Mul(tape.Mul(s, s0), tape.Add(s, s0))
    along = tape.ReduceSum(tape.Mul(tape.Mul(arrived, 0.5), both), axes, keepdims=1)
    count = tape.ReduceSum(tape.ones(tape.shape(x), x), axes, keepdims=1)
    moved = tape.Sub(direct, tape.Mul(both, tape.Div(along, tape.Mul(root, count))))
    return [tape.Sub(moved, tape.ReduceMean(moved, axes, keepdims=1)), None, *[None] * len(rest)]


def _log_sum(
    tape: Tape, x: Operand, x0: Operand, axes: Sequence[int]
) -> tuple[tuple[ir.Value, ir.Value], ir.Value]:
    """Log sum exp of both runs, and the multiplier of each element."""
    top = tape.ReduceMax(tape.Max(x, x0), list(axes), keepdims=1)
    low, low0 = tape.Sub(x, top), tape.Sub(x0, top)
    total, total0 = (tape.ReduceSum(tape.Exp(each), list(axes), keepdims=1) for each in (low, low0))
    change, sum_ = tape.Sub(total, total0), tape.Add(total, total0)
    log, log0 = tape.Log(total), tape.Log(total0)
    still = tape.Less(tape.Abs(change), tape.Mul(sum_, SMALL / 2))
    steep = tape.Div(tape.Sub(log, log0), tape.Where(still, 1, change))
    of_log = tape.Where(still, tape.Div(2, sum_), steep)
    shares = tape.Mul(_of_exponential(tape, low, low0), of_log)
    return (tape.Add(log, top), tape.Add(log0, top)), shares


def _of_exponential(tape: Tape, x: Operand, x0: Operand) -> ir.Value:
    """The multiplier of exp."""
    change = tape.Sub(x, x0)
    still = tape.Less(tape.Abs(change), SMALL)
    steep = tape.Div(tape.Sub(tape.Exp(x), tape.Exp(x0)), tape.Where(still, 1, change))
    return tape.Where(still, tape.Exp(tape.Mul(tape.Add(x, x0), 0.5)), steep)

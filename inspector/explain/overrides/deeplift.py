"""DeepLIFT's multipliers in place of derivatives: the change of a result, shared among the changes of its inputs.

Changes are between two runs of the model (see `reference`). Each rule hands back multipliers m such that the changes of
a node's inputs, times m, add up to the change of its result, times what arrives. Operators that are linear keep their
derivative, which does that; so do those that have no rule here, which do not.
"""

from __future__ import annotations

from collections.abc import Mapping

import onnx_ir as ir

from inspector.autodiff import RULES, RuleTable
from inspector.autodiff.broadcasting import BROADCASTING, dims, unbroadcast
from inspector.autodiff.tape import Operand, Tape, Values
from inspector.explain.overrides.reference import at_reference
from inspector.explain.overrides.shared import layer_normalisation, log_softmax, log_sum_exp, softmax

__all__ = ["RESCALE"]

# changes below this are none
NOTHING = 1e-10

_UNARY = """
    Abs Acos Acosh Asin Asinh Atan Atanh Celu Clip Cos Cosh Elu Erf Exp Gelu HardSigmoid HardSwish LeakyRelu Log Mish
    Reciprocal Relu Selu Shrink Sigmoid Sin Sinh Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu
"""
# by the bodies that the standard defines them by, of operators that have rules here
_EXPANDED = frozenset(("GroupNormalization", "MeanVarianceNormalization", "RMSNormalization"))


def rescale(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Shrikumar et al., Learning Important Features Through Propagating Activation Differences, ICML 2017, section
    3.5.1: of a function of one variable the multiplier is its change over that of its input; where the input does not
    change, the derivative.
    """
    pulled = RULES["", node.op_type](tape, node, cotangents)
    x, y = node.inputs[0], node.outputs[0]
    others = node.inputs[1:]
    if any(tape.wants(each) for each in others):
        return pulled
    before = at_reference(tape, node)
    slope = _quotient(tape, tape.Sub(y, before[y]), tape.Sub(x, before[x]))
    return [_unless_still(tape, node, x, tape.Mul(cotangents[0], slope), pulled[0]), *[None] * len(others)]


def bilinear(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Of a product that both factors change, each is multiplied by the mean of the other's two values."""
    factors = node.inputs[:2]
    if not all(tape.wants(each) for each in factors):
        return RULES["", node.op_type](tape, node, cotangents)
    before = at_reference(tape, node)
    means = [_mean(tape, each, before) for each in factors]
    attributes = {name: each.value for name, each in node.attributes.items()}
    (y,) = tape.op(node.op_type, *means, *node.inputs[2:], **attributes)
    y.shape = node.outputs[0].shape
    inner = tape.inner({each for each in (*means, *node.inputs[2:]) if each is not None})
    middle = y.producer()
    assert middle is not None
    pulled = RULES["", node.op_type](inner, middle, cotangents)
    tape.nodes += inner.nodes
    return pulled


def quotient(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Of a / b: the product of a and 1 / b, whose change is that of b times -1 / (b b')."""
    (g,), (a, b) = cotangents, node.inputs
    before = at_reference(tape, node)
    other = before.get(b, b)
    share = tape.Mul(tape.Mul(g, 0.5), tape.Add(tape.Reciprocal(b), tape.Reciprocal(other)))
    falls = tape.Neg(tape.Div(tape.Mul(g, _mean(tape, a, before)), tape.Mul(b, other)))
    return [share, falls]


def winner(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Of a maximum (section 3.5 leaves it open; as Lundberg's DeepExplainer has it): up to the larger of both results
    the change goes to the one winner, down from it to the other; likewise of a minimum.
    """
    g, y = cotangents[0], node.outputs[0]
    rule = RULES["", node.op_type]
    pulled = rule(tape, node, cotangents)
    before = at_reference(tape, node)
    y0 = before[y]
    there = y0.producer()
    assert there is not None
    turn = tape.Min(y, y0) if node.op_type in ("Min", "ReduceMin") else tape.Max(y, y0)
    here_share = rule(tape, node, [tape.Mul(g, tape.Sub(turn, y0))])
    there_share = rule(tape, there, [tape.Mul(g, tape.Sub(y, turn))])
    handed: list[Operand] = []
    for x, plain, one, other in zip(node.inputs, pulled, here_share, there_share, strict=True):
        if not tape.wants(x) or one is None or other is None:
            handed.append(None)
            continue
        if node.op_type in BROADCASTING:
            one, other, plain = (unbroadcast(tape, each, dims(y), x) for each in (one, other, plain))
        moved = _quotient(tape, tape.Add(one, other), tape.Sub(x, before[x]))
        handed.append(_unless_still(tape, node, x, moved, plain))
    return handed


def _quotient(tape: Tape, changed: Operand, by: Operand) -> ir.Value:
    """`changed` / `by`, and some number where nothing changed."""
    return tape.Div(changed, tape.Where(tape.Less(tape.Abs(by), NOTHING), 1, by))


def _unless_still(tape: Tape, node: ir.Node, x: Operand, multiplied: Operand, plain: Operand) -> ir.Value:
    """`multiplied`, but `plain` where the input does not change."""
    change = tape.Abs(tape.Sub(x, at_reference(tape, node)[x]))
    return tape.Where(tape.Less(change, NOTHING), plain, multiplied)


def _mean(tape: Tape, value: Operand, before: Mapping[Operand, ir.Value]) -> Operand:
    """Half of both runs."""
    if value is None or value not in before:
        return value
    mean = tape.Mul(tape.Add(value, before[value]), 0.5)
    mean.shape = value.shape
    return mean


RESCALE = RuleTable({key: rule for key, rule in RULES.items() if key[1] not in _EXPANDED}).override(
    **dict.fromkeys(_UNARY.split(), rescale),
    Conv=bilinear,
    Div=quotient,
    Einsum=bilinear,
    Gemm=bilinear,
    GlobalMaxPool=winner,
    InstanceNormalization=layer_normalisation,
    LayerNormalization=layer_normalisation,
    LogSoftmax=log_softmax,
    MatMul=bilinear,
    Max=winner,
    MaxPool=winner,
    Min=winner,
    Mul=bilinear,
    PRelu=rescale,
    Pow=rescale,
    ReduceLogSumExp=log_sum_exp,
    ReduceMax=winner,
    ReduceMin=winner,
    Softmax=softmax,
)

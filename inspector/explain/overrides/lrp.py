"""Layer-wise relevance propagation as a table of rules: see `weighted` for how relevance is input times cotangent."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from types import MappingProxyType

import onnx_ir as ir

from inspector.autodiff import RULES, RuleTable
from inspector.autodiff.tape import Operand, Pullback, Tape, Values
from inspector.explain.overrides import weighted
from inspector.explain.overrides.weighted import DENSE, WEIGHTED, Rule, folds, linear

__all__ = ["COMPOSITES", "relevance_rules"]

COMPOSITES: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "epsilon": ("epsilon", "epsilon", "epsilon"),
        "gamma": ("gamma", "gamma", "gamma"),
        "alpha-beta": ("alpha-beta", "alpha-beta", "alpha-beta"),
        "epsilon-gamma": ("epsilon", "gamma", "epsilon"),
        "epsilon-alpha-beta": ("alpha-beta", "alpha-beta", "epsilon"),
    }
)
"""The rule of the first layer with weights, of convolutions behind it, and of dense layers behind it."""

_ACTIVATIONS = """
    Celu Clip Elu Erf Exp Gelu HardSigmoid HardSwish Mish Pow Selu Shrink Sigmoid Softplus Softsign Sqrt Swish Tanh
    ThresholdedRelu
"""
_NOTHING = 1e-10
_GATES = frozenset(("Erf", "HardSigmoid", "Sigmoid", "Softmax"))
_MOVES = frozenset(("Cast", "Dropout", "Expand", "Identity", "Reshape", "Slice", "Split"))
_AXES = frozenset(("Squeeze", "Transpose", "Unsqueeze"))
_SCALES = frozenset(("Add", "Div", "Mul", "Sub"))
# by the body that the standard defines them by, whose division has a rule here
_EXPANDED = frozenset(("GroupNormalization", "MeanVarianceNormalization", "RMSNormalization"))


@lru_cache(maxsize=8)
def relevance_rules(composite: str, epsilon: float, gamma: float, alpha: float) -> RuleTable:
    """The rules of a composite; equal arguments give the same table, under which compiled graphs are kept."""
    named: dict[str, Rule] = {
        "epsilon": partial(weighted.epsilon, small=epsilon),
        "gamma": partial(weighted.gamma, more=gamma, small=epsilon),
        "alpha-beta": partial(weighted.alpha_beta, alpha=alpha, small=epsilon),
    }
    first, convolution, dense = COMPOSITES[composite]

    def chosen(tape: Tape, node: ir.Node) -> str:
        return first if _is_first(tape, node) else dense if node.op_type in DENSE else convolution

    def through_weights(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
        name = chosen(tape, node)
        layer = linear(tape, node, fold=name != "epsilon")
        if layer is None:
            return _product(tape, node, cotangents)
        (c,) = cotangents
        assert c is not None
        pulled: list[Operand] = [None] * len(node.inputs)
        pulled[layer.place] = named[name](tape, layer, c)
        return pulled

    def batch_normalization(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
        """A linear layer; part of a convolution whose rule looks at the sign of the weights."""
        before = None if node.inputs[0] is None else node.inputs[0].producer()
        if before is not None and folds(node) and chosen(tape, before) != "epsilon":
            return [cotangents[0], *[None] * (len(node.inputs) - 1)]
        return RULES["", node.op_type](tape, node, cotangents)

    table = RuleTable({key: rule for key, rule in RULES.items() if key[1] not in _EXPANDED})
    return table.override(
        **dict.fromkeys(sorted(WEIGHTED), through_weights),
        **dict.fromkeys(_ACTIVATIONS.split(), _activation),
        BatchNormalization=batch_normalization,
        Div=_quotient,
        Einsum=_product,
        InstanceNormalization=_normalization,
        LayerNormalization=_normalization,
        Mul=_product,
    )


def _activation(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Relevance passes unchanged: what arrives is multiplied by f(z) / z, at 0 by the derivative."""
    x, y, pulled = node.inputs[0], node.outputs[0], RULES["", node.op_type](tape, node, cotangents)[0]
    none = tape.Less(tape.Abs(x), _NOTHING)
    ratio = tape.Div(y, tape.Where(none, 1, x))
    return [tape.Where(none, pulled, tape.Mul(cotangents[0], ratio)), *[None] * (len(node.inputs) - 1)]


def _product(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Of two factors that depend on the input a gate, such as attention weights, counts as a constant (Ali et al., XAI
    for Transformers, ICML 2022, section 3.2; Arras et al., 2017: the signal takes it all); else each takes half
    (Achtibat et al., AttnLRP, ICML 2024, section 3.3.2).
    """
    pulled = list(RULES["", node.op_type](tape, node, cotangents))
    active = [place for place, value in enumerate(node.inputs) if tape.wants(value)]
    gates = [place for place in active if _is_gate(tape, node.inputs[place])]
    if len(active) < 2:
        return pulled
    if 0 < len(gates) < len(active):
        pulled = [None if place in gates else each for place, each in enumerate(pulled)]
        active = [place for place in active if place not in gates]
    return [each if each is None or len(active) == 1 else tape.Mul(each, 1 / len(active)) for each in pulled]


def _quotient(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """What is divided by counts as a constant, such as a deviation (Ali et al., 2022, section 3.3)."""
    pulled: Pullback = RULES["", "Div"]
    over, under = pulled(tape, node, cotangents)
    return [over, None if tape.wants(node.inputs[0]) else under]


def _normalization(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """The deviation counts as a constant (Ali et al., 2022, section 3.3): what is left is linear."""
    (x, scale, *_), c = node.inputs, cotangents[0]
    rank = tape.rank(x)
    if node.op_type == "LayerNormalization":
        axes = list(range(node.attributes.get_int("axis", -1) % rank, rank))
    else:
        axes = list(range(2, rank))
        scale = tape.Reshape(scale, [1, -1, *[1] * (rank - 2)])
    centred = tape.Sub(x, tape.ReduceMean(x, axes, keepdims=1))
    variance = tape.ReduceMean(tape.Mul(centred, centred), axes, keepdims=1)
    root = tape.Sqrt(tape.Add(variance, node.attributes.get_float("epsilon", 1e-5)))
    scaled = tape.Div(tape.Mul(c, scale), root)
    gx = tape.Sub(scaled, tape.ReduceMean(scaled, axes, keepdims=1))
    return [gx, *[None] * (len(node.inputs) - 1)]


def _is_first(tape: Tape, node: ir.Node) -> bool:
    """Whether no layer with weights lies between the input and `node`."""
    pending = [value for value in node.inputs if value is not None and tape.wants(value)]
    seen = set(pending)
    while pending:
        before = pending.pop().producer()
        if before is None:
            continue
        if before.op_type in WEIGHTED:
            return False
        fresh = {value for value in before.inputs if value is not None and tape.wants(value)} - seen
        seen |= fresh
        pending += fresh
    return True


def _is_gate(tape: Tape, value: Operand) -> bool:
    """Whether a factor lies between bounds and only weighs the other: a softmax, a sigmoid, also moved and scaled."""
    node = None if value is None else value.producer()
    if node is None or node.domain:
        return False
    if node.op_type in _GATES:
        return True
    if node.op_type == "Clip":
        return len(node.inputs) == 3
    active = [each for each in node.inputs if tape.wants(each)]
    return node.op_type in _MOVES | _AXES | _SCALES and len(active) == 1 and _is_gate(tape, active[0])

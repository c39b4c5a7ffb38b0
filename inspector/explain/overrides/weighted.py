"""Relevance through layers with weights: the epsilon, gamma and alpha-beta rules.

Relevance is input times a modified gradient (Ancona et al., ICLR 2018, section 2.1): where `c` is what arrives at a
layer's output z, the relevance there is R = c z, and each rule hands back c' such that a c' is the relevance of the
input a. What a rule needs of the layer, it computes by running the same operator with other weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import onnx_ir as ir

from inspector.autodiff import RULES
from inspector.autodiff.tape import Operand, Tape
from inspector.explain.overrides.guided import is_rectifier

__all__ = [
    "DENSE",
    "WEIGHTED",
    "Linear",
    "Rule",
    "alpha_beta",
    "epsilon",
    "folds",
    "gamma",
    "linear",
    "stabilised",
]

CONVOLUTIONS = frozenset(("Conv", "ConvTranspose"))
DENSE = frozenset(("Gemm", "MatMul"))
WEIGHTED = CONVOLUTIONS | DENSE

_POOLS = frozenset(("AveragePool", "GlobalAveragePool", "GlobalMaxPool", "MaxPool"))
_MOVES = frozenset(("Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"))
_NOT_NEGATIVE = frozenset(("Abs", "Exp", "HardSigmoid", "Relu", "Sigmoid", "Softmax", "Softplus", "Sqrt"))


@dataclass(frozen=True)
class Linear:
    """A node that is linear in the one of its inputs that relevance goes to.

    Attributes:
        node: Conv, ConvTranspose, Gemm or MatMul.
        place: of that input.
        weights: the other factor, with what a batch normalisation behind the node multiplies by.
        bias: with what that adds; None: none.
        result: z, behind the batch normalisation.
    """

    node: ir.Node
    place: int
    weights: Operand
    bias: Operand
    result: ir.Value

    @property
    def x(self) -> Operand:
        """The input that relevance goes to."""
        return self.node.inputs[self.place]

    def run(self, tape: Tape, x: Operand, weights: Operand, bias: Operand = None) -> ir.Value:
        """The result with another input and other weights, and with `bias` or none."""
        factors = [x, weights] if self.place == 0 else [weights, x]
        attributes = {name: each.value for name, each in self.node.attributes.items()}
        if self.node.op_type == "Gemm":
            attributes |= {"alpha": 1.0, "beta": 1.0}
        inputs = [*factors] if bias is None else [*factors, bias]
        (z,) = tape.op(self.node.op_type, *inputs, **attributes)
        z.shape = self.node.outputs[0].shape
        return z

    def pull(self, tape: Tape, weights: Operand, g: Operand) -> Operand:
        """`g` at the result pulled back to the input, with other weights."""
        node = self.run(tape, self.x, weights).producer()
        assert node is not None
        return RULES["", node.op_type](tape, node, [g])[self.place]


Rule = Callable[[Tape, Linear, ir.Value], Operand]
"""What arrives at a layer's result to what it hands back to its input."""


def linear(tape: Tape, node: ir.Node, fold: bool) -> Linear | None:
    """How `node` is linear; None where both of its factors depend on the input.

    Args:
        tape: to compute the weights on.
        node: of `WEIGHTED`.
        fold: whether a batch normalisation that only this node leads to counts as part of it.
    """
    a, b, *rest = node.inputs
    if tape.wants(a) and tape.wants(b):
        return None
    place = 0 if tape.wants(a) else 1
    weights, bias = (b if place == 0 else a), (rest[0] if rest else None)
    if node.op_type == "Gemm":
        scale, shift = node.attributes.get_float("alpha", 1.0), node.attributes.get_float("beta", 1.0)
        weights = weights if scale == 1 else _shaped(tape.Mul(weights, scale), weights)
        bias = bias if bias is None or shift == 1 else tape.Mul(bias, shift)
    behind = _normalisation(node) if fold else None
    if behind is None:
        return Linear(node, place, weights, bias, node.outputs[0])
    scale_, shift_, mean, variance = behind.inputs[1:5]
    root = tape.Sqrt(tape.Add(variance, behind.attributes.get_float("epsilon", 1e-5)))
    factor = tape.Div(scale_, root)
    centred = tape.Neg(mean) if bias is None else tape.Sub(bias, mean)
    per_channel = tape.Reshape(factor, [-1, *[1] * (tape.rank(weights) - 1)])
    return Linear(
        node,
        place,
        _shaped(tape.Mul(weights, per_channel), weights),
        tape.Add(tape.Mul(centred, factor), shift_),
        behind.outputs[0],
    )


def folds(node: ir.Node) -> bool:
    """Whether `node`, a batch normalisation, counts as part of the convolution before it."""
    before = node.inputs[0].producer() if node.inputs[0] is not None else None
    return before is not None and _normalisation(before) is node


def epsilon(tape: Tape, layer: Linear, c: ir.Value, small: float) -> Operand:
    """Bach et al., On Pixel-Wise Explanations, PLOS ONE 2015, equation 58: R_i = sum over j of a_i w_ij R_j / z_j, with
    `small` added to z_j, of its sign.
    """
    z = layer.result
    return layer.pull(tape, layer.weights, tape.Div(tape.Mul(c, z), stabilised(tape, z, small)))


def gamma(tape: Tape, layer: Linear, c: ir.Value, more: float, small: float) -> Operand:
    """Montavon et al., Layer-Wise Relevance Propagation: An Overview, 2019, section 10.2.1: as epsilon, positive
    weights and biases counting (1 + `more`) times. For inputs that are not negative.
    """
    weights, bias = (
        None if each is None else _shaped(tape.Add(each, tape.Mul(tape.Max(each, 0), more)), each)
        for each in (layer.weights, layer.bias)
    )
    z = layer.run(tape, layer.x, weights, bias)
    arrived = tape.Mul(c, layer.result)
    return layer.pull(tape, weights, tape.Div(arrived, stabilised(tape, z, small)))


def alpha_beta(tape: Tape, layer: Linear, c: ir.Value, alpha: float, small: float) -> Operand:
    """Bach et al., equation 60, with beta = alpha - 1: positive contributions a_i w_ij share alpha times the relevance
    in proportion, negative ones take beta times it back. Inputs may have either sign.
    """
    weights, x, arrived = layer.weights, layer.x, tape.Mul(c, layer.result)
    parts = [_shaped(part(weights, 0), weights) for part in (tape.Max, tape.Min)]
    bias = layer.bias
    biases = [None, None] if bias is None else [tape.Max(bias, 0), tape.Min(bias, 0)]
    split = not _is_positive(x)
    positive, negative = (tape.Max(x, 0), tape.Min(x, 0)) if split else (x, None)

    def shared(sign: int, factor: float) -> tuple[Operand, Operand]:
        """What the contributions of a sign hand back to positive inputs, and to negative ones."""
        z = layer.run(tape, positive, parts[sign], biases[sign])
        if split:
            z = tape.Add(z, layer.run(tape, negative, parts[1 - sign]))
        share = tape.Div(tape.Mul(arrived, factor), stabilised(tape, z, small))
        pull = partial(layer.pull, tape)
        return pull(parts[sign], share), pull(parts[1 - sign], share) if split else None

    handed = [shared(0, alpha)] + ([shared(1, 1 - alpha)] if alpha != 1 else [])
    to_positive, to_negative = (_added(tape, each) for each in zip(*handed, strict=True))
    if not split:
        return to_positive
    return tape.Where(tape.Greater(x, 0), to_positive, to_negative)


def stabilised(tape: Tape, z: Operand, small: float) -> ir.Value:
    """`z` moved away from 0 by `small`."""
    return tape.Where(tape.Less(z, 0), tape.Sub(z, small), tape.Add(z, small))


def _shaped(value: ir.Value, like: Operand) -> ir.Value:
    """`value`, said to have the shape that it has: that of `like`."""
    value.shape = None if like is None else like.shape
    return value


def _added(tape: Tape, parts: Sequence[Operand]) -> Operand:
    return parts[0] if len(parts) == 1 else tape.Add(*parts)


def _normalisation(node: ir.Node) -> ir.Node | None:
    """The batch normalisation that alone reads the result of a convolution."""
    readers = [use.node for use in node.outputs[0].uses() if use.node.graph is not None]
    if node.op_type != "Conv" or len(readers) != 1 or readers[0].op_type != "BatchNormalization":
        return None
    return None if readers[0].attributes.get_int("training_mode", 0) else readers[0]


def _is_positive(value: Operand) -> bool:
    """Whether a tensor is known to have no negative element."""
    node = None if value is None else value.producer()
    if node is None or node.domain:
        return False
    if node.op_type in _NOT_NEGATIVE or is_rectifier(node):
        return True
    return node.op_type in _POOLS | _MOVES and _is_positive(node.inputs[0])

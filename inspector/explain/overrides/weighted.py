"""Relevance through layers with weights: the epsilon, gamma and alpha-beta rules.

Relevance is input times a modified gradient (Ancona et al., ICLR 2018, section 2.1): where `c` is what arrives at a
layer's output z, the relevance there is R = c z, and each rule hands back c' such that a c' is the relevance of the
input a. What a rule needs of the layer, it computes by running the same operator with other weights.
"""

from __future__ import annotations

from collections.abc import Callable
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
    contributions counting (1 + `more`) times.

    Inputs may have either sign: where z_j is negative, it is its negative contributions that count more (Andéol et al.,
    Learning Domain Invariant Representations by Joint Wasserstein Distance Minimization, 2021).
    """
    parts, z = _Signed.of(tape, layer), layer.result
    above = tape.Greater(z, 0)
    counted = tape.Where(above, parts.total(0), parts.total(1))
    whole = stabilised(tape, tape.Add(z, tape.Mul(counted, more)), small)
    share = tape.Div(tape.Mul(c, z), whole)
    extra = tape.Mul(share, more)
    raised = tape.Add(
        parts.handed(0, tape.Where(above, extra, 0)), parts.handed(1, tape.Where(above, 0, extra))
    )
    return tape.Add(layer.pull(tape, layer.weights, share), raised)


def alpha_beta(tape: Tape, layer: Linear, c: ir.Value, alpha: float, small: float) -> Operand:
    """Bach et al., equation 60, with beta = alpha - 1: positive contributions a_i w_ij share alpha times the relevance
    in proportion, negative ones take beta times it back. Inputs may have either sign.
    """
    parts, arrived = _Signed.of(tape, layer), tape.Mul(c, layer.result)

    def handed(sign: int, factor: float) -> ir.Value:
        share = tape.Div(tape.Mul(arrived, factor), stabilised(tape, parts.total(sign), small))
        return parts.handed(sign, share)

    return handed(0, alpha) if alpha == 1 else tape.Add(handed(0, alpha), handed(1, 1 - alpha))


@dataclass(frozen=True)
class _Signed:
    """The positive and the negative contributions a_i w_ij of a layer, at 0 and 1 of each pair."""

    tape: Tape
    layer: Linear
    weights: tuple[ir.Value, ir.Value]
    biases: tuple[Operand, Operand]
    inputs: tuple[Operand, Operand]

    @classmethod
    def of(cls, tape: Tape, layer: Linear) -> _Signed:
        """Contributions, and with them the bias, by sign."""
        halves = (tape.Max, tape.Min)
        w, bias, x = layer.weights, layer.bias, layer.x
        positive, negative = (_shaped(half(w, 0), w) for half in halves)
        above, below = (None if bias is None else half(bias, 0) for half in halves)
        inputs = (x, None) if _is_positive(x) else (tape.Max(x, 0), tape.Min(x, 0))
        return cls(tape, layer, (positive, negative), (above, below), inputs)

    def total(self, sign: int) -> ir.Value:
        """The sum of the contributions of one sign, and of the bias where it is of that sign."""
        (above, below), weights = self.inputs, self.weights
        z = self.layer.run(self.tape, above, weights[sign], self.biases[sign])
        return z if below is None else self.tape.Add(z, self.layer.run(self.tape, below, weights[1 - sign]))

    def handed(self, sign: int, share: Operand) -> ir.Value:
        """What the contributions of one sign hand back of a relevance per contribution."""
        tape, pull = self.tape, partial(self.layer.pull, self.tape)
        own = _given(pull(self.weights[sign], share))
        if self.inputs[1] is None:
            return own
        return tape.Where(tape.Greater(self.layer.x, 0), own, pull(self.weights[1 - sign], share))


def stabilised(tape: Tape, z: Operand, small: float) -> ir.Value:
    """`z` moved away from 0 by `small`."""
    return tape.Where(tape.Less(z, 0), tape.Sub(z, small), tape.Add(z, small))


def _shaped(value: ir.Value, like: Operand) -> ir.Value:
    """`value`, said to have the shape that it has: that of `like`."""
    value.shape = None if like is None else like.shape
    return value


def _given(value: Operand) -> ir.Value:
    assert value is not None
    return value


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

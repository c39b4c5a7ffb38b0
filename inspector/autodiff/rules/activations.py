"""Activation functions.

Where the derivative can be told from the result, it is: a runtime fuses Conv + Relu into one kernel only
while nothing else reads what lies between them.
"""

from __future__ import annotations

import math

import onnx_ir as ir

from inspector.autodiff.blocked import channels_of, taken_in, times
from inspector.autodiff.rules.elementwise import one_minus_square, unary
from inspector.autodiff.steps import above, below, between
from inspector.autodiff.tape import Operand, Pullback, Tape, Values

_MASKED = "onnxlens.masked"

# --- piecewise linear: at a kink the derivative of the flatter side -------------------------------------


def relu(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """0 at 0, as every framework has it."""
    (g,), (x,), (y,) = cotangents, node.inputs, node.outputs
    masked = g is not None and _MASKED in g.meta
    before = None if x is None else x.producer()
    if before is not None and before.op_type in ("Add", "Sum"):
        # what is masked here goes on along a skip connection too
        g = taken_in(tape, g, y)
    return [g if masked else tape.Mul(g, above(tape, y, 0))]


def is_rectified(tape: Tape, y: ir.Value) -> bool:
    """Whether nothing is asked of the cotangent of `y` but what `relu` lets through."""
    node = y.producer()
    return (
        node is not None
        and (node.domain, node.op_type) == ("", "Relu")
        and tape.rules["", "Relu"] is relu
        and y not in tape.sources
    )


def already_masked(g: ir.Value) -> ir.Value:
    """`g`, a cotangent that is zero where the result of its ReLU is, marked so that `relu` lets it pass."""
    g.meta[_MASKED] = True
    return g


def leaky_relu(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """The slope alpha at 0. A result tells the sign of its input only where alpha is not negative."""
    (g,), (x,), (y,) = cotangents, node.inputs, node.outputs
    alpha = node.attributes.get_float("alpha", 0.01)
    if 0 <= alpha <= 1:
        return [tape.Mul(g, tape.Max(above(tape, y, 0), alpha))]
    return [tape.Where(tape.Greater(y if alpha >= 0 else x, 0), g, tape.Mul(g, alpha))]


def prelu(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """The slope at 0."""
    (g,), (x, slope) = cotangents, node.inputs
    positive = tape.Greater(x, 0)
    return [tape.Where(positive, g, tape.Mul(g, slope)), tape.Where(positive, 0, tape.Mul(g, x))]


def thresholded_relu(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (x,) = cotangents, node.inputs
    return [tape.Where(tape.Greater(x, node.attributes.get_float("alpha", 1.0)), g, 0)]


def shrink(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (x,) = cotangents, node.inputs
    return [tape.Where(tape.Greater(tape.Abs(x), node.attributes.get_float("lambd", 0.5)), g, 0)]


def hard_sigmoid(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """0 at both kinks."""
    (g,), (y,) = cotangents, node.outputs
    inside, slope = tape.Mul(above(tape, y, 0), below(tape, y, 1)), node.attributes.get_float("alpha", 0.2)
    return [_scaled(tape, tape.Mul(g, inside), slope, y)]


def hard_swish(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Of x * h with h = clip(x/6 + 1/2, 0, 1): 0 at -3, 1 at 3, and h + x/6 between."""
    (g,), (x,) = cotangents, node.inputs
    square = tape.Mul(x, x)
    square.shape = None if x is None else x.shape
    # (one step instead of two, and exact: the square of the number next to 3 is rounded to less than 9)
    inside = below(tape, square, 9)
    h = tape.HardSigmoid(x, alpha=1 / 6, beta=0.5)
    bent = _scaled(tape, tape.Mul(x, inside), 1 / 6, x)
    return [tape.Mul(g, tape.Add(bent, h))]


def _scaled(tape: Tape, x: ir.Value, number: float, like: Operand) -> ir.Value:
    """`x`, of the shape of `like`, times a number; a feature map stays laid out."""
    channels = channels_of(like)
    return tape.Mul(x, number) if channels is None else times(tape, x, number, channels)


def clip(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """min(max(x, low), high). At a bound the derivative is 1, as in torch.clamp; where low > high all is high."""
    (g,), (x, *bounds) = cotangents, node.inputs
    low, high = [*bounds, None, None][:2]
    simple = x is not None and x.dtype in (ir.DataType.FLOAT, ir.DataType.DOUBLE)
    if simple and not any(tape.wants(bound) for bound in bounds) and _in_order(tape, low, high):
        inside = _within(tape, x, low, high)
        if inside is not None:
            tape.copying.append(node)
            return [tape.Mul(g, inside), *[None] * len(bounds)]
        # what was not moved
        return [tape.Mul(g, tape.cast_like(tape.Equal(x, node.outputs[0]), g)), *[None] * len(bounds)]
    raised = x if low is None else tape.Max(x, low)
    below = None if low is None else tape.Less(x, low)
    above = None if high is None else tape.Greater(raised, high)
    gx = g if above is None else tape.Where(above, 0, g)
    g_high = None if above is None else tape.Where(above, g, 0)
    g_low = None if below is None else tape.Where(below, gx, 0)
    if below is not None:
        gx = tape.Where(below, 0, gx)
    return [gx, g_low, g_high][: len(node.inputs)]


def _within(tape: Tape, x: Operand, low: Operand, high: Operand) -> ir.Value | None:
    """1 where a convolution's result is within known bounds; None of other tensors."""
    limits = [None if bound is None else tape.known(bound) for bound in (low, high)]
    if any(known is None for bound, known in zip((low, high), limits, strict=True) if bound is not None):
        return None
    before = None if x is None else x.producer()
    if before is None or before.op_type not in ("BatchNormalization", "Conv") or channels_of(x) is None:
        return None
    return between(tape, x, *(None if limit is None else float(limit.item()) for limit in limits))


def _in_order(tape: Tape, low: Operand, high: Operand) -> bool:
    """Whether no number is moved by both bounds."""
    if low is None or high is None:
        return True
    at_low, at_high = tape.known(low), tape.known(high)
    return at_low is not None and at_high is not None and not bool((at_low > at_high).any())


# --- exponential: smooth, or with one kink at 0 ---------------------------------------------------------


def elu(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """x, or alpha * (exp(x) - 1) for x <= 0, whose derivative is y + alpha."""
    (g,), (x,), (y,) = cotangents, node.inputs, node.outputs
    alpha = node.attributes.get_float("alpha", 1.0)
    positive = tape.Greater(y if alpha >= 0 else x, 0)
    return [tape.Mul(g, tape.Where(positive, 1, tape.Add(y, alpha)))]


def selu(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Of gamma * (x, or alpha * (exp(x) - 1) for x <= 0)."""
    (g,), (x,) = cotangents, node.inputs
    alpha = node.attributes.get_float("alpha", 1.67326319217681884765625)
    gamma = node.attributes.get_float("gamma", 1.05070102214813232421875)
    # the exponential of a large positive x, which Where does not choose, must not overflow
    tail = tape.Mul(tape.Exp(tape.Min(x, 0)), alpha * gamma)
    return [tape.Mul(g, tape.Where(tape.Greater(x, 0), gamma, tail))]


def celu(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """max(0, x) + min(0, alpha * (exp(x / alpha) - 1))."""
    (g,), (x,) = cotangents, node.inputs
    alpha = node.attributes.get_float("alpha", 1.0)
    return [tape.Mul(g, tape.Exp(tape.Div(tape.Min(x, 0), alpha)))]


def gelu(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Hendrycks & Gimpel, Gaussian Error Linear Units, section 2: x * Phi(x), or its tanh approximation."""
    (g,), (x,) = cotangents, node.inputs
    if node.attributes.get_string("approximate", "none") == "tanh":
        c, k = math.sqrt(2 / math.pi), 0.044715
        square = tape.Mul(x, x)
        tanh = tape.Tanh(tape.Mul(tape.Mul(x, c), tape.Add(tape.Mul(square, k), 1)))
        slope = tape.Mul(one_minus_square(tape, tanh), tape.Mul(tape.Add(tape.Mul(square, 3 * k), 1), c))
        derivative = tape.Mul(tape.Add(tape.Add(tanh, 1), tape.Mul(x, slope)), 0.5)
    else:
        cdf = tape.Mul(tape.Add(tape.Erf(tape.Mul(x, math.sqrt(0.5))), 1), 0.5)
        pdf = tape.Mul(tape.Exp(tape.Mul(tape.Mul(x, x), -0.5)), 1 / math.sqrt(2 * math.pi))
        derivative = tape.Add(cdf, tape.Mul(x, pdf))
    return [tape.Mul(g, derivative)]


def mish(tape: Tape, x: Operand, y: ir.Value) -> ir.Value:
    """Of x * tanh(softplus(x)); Misra, Mish, eq. 1."""
    tanh = tape.Tanh(tape.Softplus(x))
    return tape.Add(tanh, tape.Mul(x, tape.Mul(one_minus_square(tape, tanh), tape.Sigmoid(x))))


def swish(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Of x * s with s = sigmoid(alpha * x): its derivative is s + alpha * y * (1 - s)."""
    (g,), (x,), (y,) = cotangents, node.inputs, node.outputs
    alpha = node.attributes.get_float("alpha", 1.0)
    s = tape.Sigmoid(tape.Mul(x, alpha))
    return [tape.Mul(g, tape.Add(s, tape.Mul(tape.Mul(y, alpha), tape.Sub(1, s))))]


def softsign(tape: Tape, x: Operand, y: ir.Value) -> ir.Value:
    root = tape.Add(tape.Abs(x), 1)
    return tape.Reciprocal(tape.Mul(root, root))


# --- over an axis ----------------------------------------------------------------------------------------


def softmax(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (y,) = cotangents, node.outputs
    axis = node.attributes.get_int("axis", -1)
    if _is_guarded(y):
        # a row of nothing but -inf has no softmax; a graph that looks for that puts something else in its place
        y = tape.Where(tape.IsNaN(y), 0, y)
    return [through_softmax(tape, g, y, axis)]


def through_softmax(tape: Tape, g: Operand, y: Operand, axis: int) -> ir.Value:
    """What the cotangent `g` of the softmax `y` along `axis` is before it."""
    weighted = tape.Mul(g, y)
    return tape.Sub(weighted, tape.Mul(y, tape.ReduceSum(weighted, [axis], keepdims=1)))


def _is_guarded(y: ir.Value) -> bool:
    """Whether elements of `y`, cast or not, are looked at and replaced."""
    readers = [use.node for use in y.uses()]
    through = [node.outputs[0] for node in readers if node.op_type in ("Cast", "CastLike", "Identity")]
    return any(node.op_type in ("IsNaN", "Where") for node in readers) or any(map(_is_guarded, through))


def log_softmax(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (y,) = cotangents, node.outputs
    axis = node.attributes.get_int("axis", -1)
    return [tape.Sub(g, tape.Mul(tape.Exp(y), tape.ReduceSum(g, [axis], keepdims=1)))]


RULES: dict[str, Pullback] = {
    "Celu": celu,
    "Clip": clip,
    "Elu": elu,
    "Gelu": gelu,
    "HardSigmoid": hard_sigmoid,
    "HardSwish": hard_swish,
    "LeakyRelu": leaky_relu,
    "LogSoftmax": log_softmax,
    "Mish": unary(mish),
    "PRelu": prelu,
    "Relu": relu,
    "Selu": selu,
    "Shrink": shrink,
    "Sigmoid": unary(lambda tape, x, y: tape.Mul(y, tape.Sub(1, y))),
    "Softmax": softmax,
    # the sigmoid of x, whose small values the runtime's own Sigmoid gives with few digits
    "Softplus": unary(lambda tape, x, y: tape.Exp(tape.Sub(x, y))),
    "Softsign": unary(softsign),
    "Swish": swish,
    "Tanh": unary(lambda tape, x, y: one_minus_square(tape, y)),
    "ThresholdedRelu": thresholded_relu,
}

"""Arithmetic, element by element. The engine sums what broadcasting repeated."""

from __future__ import annotations

import math
from collections.abc import Callable

import onnx_ir as ir

from inspector.autodiff.blocked import laid_over
from inspector.autodiff.tape import Operand, Pullback, Tape, Values

# --- one input: cotangent times derivative, given the input x and the result y --------------------------


def unary(derivative: Callable[[Tape, Operand, ir.Value], ir.Value]) -> Pullback:
    """The rule of a function of one variable, from its derivative."""

    def pullback(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
        x, y = node.inputs[0], node.outputs[0]
        return [tape.Mul(cotangents[0], derivative(tape, x, y))]

    return pullback


def identity(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    return cotangents


def neg(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    return [tape.Neg(*cotangents)]


def one_plus_square(tape: Tape, x: Operand) -> ir.Value:
    return tape.Add(tape.Mul(x, x), 1)


def one_minus_square(tape: Tape, x: Operand) -> ir.Value:
    return tape.Sub(1, tape.Mul(x, x))


# --- two inputs ------------------------------------------------------------------------------------------


def add(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,) = cotangents
    return [g, g]


def sub(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,) = cotangents
    return [g, tape.Neg(g)]


def mul(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (a, b) = cotangents, node.inputs
    # (one may be a gate for each channel of the other)
    return [tape.Mul(g, laid_over(tape, b, a)), tape.Mul(g, laid_over(tape, a, b))]


def div(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (_, b), (y,) = cotangents, node.inputs, node.outputs
    ga = tape.Div(g, b)
    return [ga, tape.Neg(tape.Mul(ga, y))]


def power(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """At a zero exponent d/dx is 0, also for x = 0; at x = 0 d/dp is 0; for x < 0 d/dp is NaN: there is none."""
    (g,), (x, p), (y,) = cotangents, node.inputs, node.outputs
    exponent = tape.cast_like(p, x)
    slope = tape.Mul(exponent, tape.Pow(x, tape.Sub(exponent, 1)))
    gx = tape.Mul(g, tape.Where(tape.Equal(exponent, 0), tape.Mul(exponent, 0), slope))
    logarithm = tape.Log(tape.Where(tape.Equal(x, 0), tape.Add(tape.Mul(x, 0), 1), x))
    return [gx, tape.Mul(g, tape.Mul(y, logarithm))]


def mod(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Of x - trunc(x / m) * m with fmod=1, as floating-point requires."""
    (g,), (x, m), (y,) = cotangents, node.inputs, node.outputs
    return [g, tape.Mul(g, tape.Div(tape.Sub(y, x), m))]


# --- any number of inputs --------------------------------------------------------------------------------


def total(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,) = cotangents
    return [g] * len(node.inputs)


def mean(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), count = cotangents, len(node.inputs)
    return [tape.Mul(g, 1 / count)] * count


def extremum(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Max and Min. Inputs that tie share the cotangent equally, as in torch.maximum and jnp.maximum."""
    (g,), (y,) = cotangents, node.outputs
    chosen = [tape.cast_like(tape.Equal(x, y), y) for x in node.inputs]
    share = tape.Div(g, tape.Sum(*chosen))
    return [tape.Mul(share, mask) for mask in chosen]


def where(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (condition, _, _) = cotangents, node.inputs
    return [None, tape.Where(condition, g, 0), tape.Where(condition, 0, g)]


def dropout(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Off, it is the identity. In training, what was kept is read from the mask, or from the result itself:
    a dropped element is zero (an element that was zero before tells nothing, and counts as kept).
    """
    g, (x, *optional), y = cotangents[0], node.inputs, node.outputs[0]
    ratio, training = [*optional, None, None][:2]
    constant = tape.known(training)
    if training is None or (constant is not None and not constant.any()):
        return [g, *([None] * len(optional))]
    if len(node.outputs) > 1 and node.outputs[1].name:
        kept = node.outputs[1]
    else:
        kept = tape.Or(tape.Not(tape.Equal(y, 0)), tape.Equal(x, 0))
    scale = tape.Div(1, tape.Sub(1, tape.CastLike(0.5 if ratio is None else ratio, g)))
    scaled = tape.Mul(g, tape.Where(training, scale, 1))
    gx = tape.Where(kept, scaled, 0)
    gr: Operand = None
    if ratio is not None and tape.wants(ratio):
        # which elements are kept does not change for a small change of the ratio; by how much they grow does
        moved = tape.ReduceSum(tape.Mul(tape.widened(gx), tape.widened(x)), keepdims=0)
        gr = tape.Where(training, tape.Mul(moved, tape.cast_like(scale, moved)), 0)
        gr = tape.reshape_like(gr, ratio)
    return [gx, *[gr, None][: len(optional)]]


def range_(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Of start + i * delta: the limit only says how many."""
    (g,) = cotangents
    wide = tape.widened(g)
    steps = tape.cast_like(tape.Range(0, tape.Size(wide), 1), wide)
    start, _, delta = node.inputs
    gs = tape.reshape_like(tape.ReduceSum(wide, keepdims=0), start)
    return [gs, None, tape.reshape_like(tape.ReduceSum(tape.Mul(wide, steps), keepdims=0), delta)]


RULES: dict[str, Pullback] = {
    "Abs": unary(lambda tape, x, y: tape.Sign(x)),
    "Acos": unary(lambda tape, x, y: tape.Div(-1, tape.Sqrt(one_minus_square(tape, x)))),
    "Acosh": unary(lambda tape, x, y: tape.Div(1, tape.Sqrt(tape.Sub(tape.Mul(x, x), 1)))),
    "Add": add,
    "Asin": unary(lambda tape, x, y: tape.Div(1, tape.Sqrt(one_minus_square(tape, x)))),
    "Asinh": unary(lambda tape, x, y: tape.Div(1, tape.Sqrt(one_plus_square(tape, x)))),
    "Atan": unary(lambda tape, x, y: tape.Div(1, one_plus_square(tape, x))),
    "Atanh": unary(lambda tape, x, y: tape.Div(1, one_minus_square(tape, x))),
    "Cast": identity,
    "CastLike": lambda tape, node, cotangents: [*cotangents, None],
    "Cos": unary(lambda tape, x, y: tape.Neg(tape.Sin(x))),
    "Cosh": unary(lambda tape, x, y: tape.Sinh(x)),
    "Div": div,
    "Dropout": dropout,
    "Erf": unary(lambda tape, x, y: tape.Mul(tape.Exp(tape.Neg(tape.Mul(x, x))), 2 / math.sqrt(math.pi))),
    "Exp": unary(lambda tape, x, y: y),
    "Identity": identity,
    "Log": unary(lambda tape, x, y: tape.Reciprocal(x)),
    "Max": extremum,
    "Mean": mean,
    "Min": extremum,
    "Mod": mod,
    "Mul": mul,
    "Neg": neg,
    "Pow": power,
    "Range": range_,
    "Reciprocal": unary(lambda tape, x, y: tape.Neg(tape.Mul(y, y))),
    "Sin": unary(lambda tape, x, y: tape.Cos(x)),
    "Sinh": unary(lambda tape, x, y: tape.Cosh(x)),
    "Sqrt": unary(lambda tape, x, y: tape.Div(0.5, y)),
    "Sub": sub,
    "Sum": total,
    "Tan": unary(lambda tape, x, y: one_plus_square(tape, y)),
    "Where": where,
}

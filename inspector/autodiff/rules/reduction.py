"""Reductions over axes, which since opset 18 are an input and may be known only at run time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import onnx_ir as ir

from inspector.autodiff.blocked import channels_of, is_inside, repeated, times
from inspector.autodiff.sizes import Int, Size, product
from inspector.autodiff.tape import Operand, Pullback, Tape, Values

Factor = Callable[[Tape, Operand, Operand, Operand], ir.Value]


def reduction(pull: Factor) -> Pullback:
    """The rule of a reduction, from its cotangent at x: `pull(tape, g, x, y)`, with g and y kept at x's rank."""

    def pullback(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
        (g,), (x, *axes), (y,) = cotangents, node.inputs, node.outputs
        gx = pull(tape, _at_rank_of_input(tape, node, g), x, _at_rank_of_input(tape, node, y))
        return [gx, *([None] * len(axes))]

    return pullback


def _at_rank_of_input(tape: Tape, node: ir.Node, value: Operand) -> Operand:
    """`value`, shaped as the result of `node`, with the reduced axes back in place at length 1."""
    axes = node.inputs[1] if len(node.inputs) > 1 else None
    if axes is None or node.attributes.get_int("keepdims", 1) != 0:
        return value  # all axes: a scalar broadcasts anyway
    known = tape.known(axes)
    return tape.Unsqueeze(value, axes) if known is None or known.size else value


def reduce_sum(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (_, *axes) = cotangents, node.inputs
    return [_repeated(tape, node, _at_rank_of_input(tape, node, g)), *([None] * len(axes))]


def reduce_mean(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """As a sum, shared among the elements of the mean."""
    (g,), (x, *axes), (y,) = cotangents, node.inputs, node.outputs
    reduced = _reduced_axes(tape, node, x)
    if reduced is not None:
        count = product([tape.size(x, axis) for axis in reduced])
    else:
        count = Int(tape, tape.Div(tape.Size(x), tape.Size(y)))
    if reduced is not None and sorted(reduced) == [2, 3] and channels_of(x) is not None:
        whole = _at_rank_of_input(tape, node, g)
        return [shared_out(tape, whole, x, tape.sizes(x)[2:], count), *([None] * len(axes))]
    share = tape.Mul(g, 1 / count) if isinstance(count, int) else tape.Div(g, tape.cast_like(count.value, g))
    return [_repeated(tape, node, _at_rank_of_input(tape, node, share)), *([None] * len(axes))]


def shared_out(tape: Tape, g: Operand, x: Operand, spatial: Sequence[Size], count: Size) -> ir.Value:
    """What each of `count` elements gets of the cotangent (N, C, 1, ...) of their mean over the spatial axes of `x`."""
    channels = channels_of(x)
    if isinstance(count, int) and channels is not None:
        whole = repeated(tape, times(tape, g, 1 / count, channels), x) if is_inside(g) else None
        return times(tape, tape.Expand(g, [1, 1, *spatial]), 1 / count, channels) if whole is None else whole
    share = tape.Mul(g, 1 / count) if isinstance(count, int) else tape.Div(g, tape.cast_like(count.value, g))
    return tape.Expand(share, [1, 1, *spatial])


def share_of_extremum(
    tape: Tape, g: Operand, x: Operand, y: Operand, axes: Sequence[int] | ir.Value | None, **noop: int
) -> ir.Value:
    """The cotangent of a maximum or minimum y over `axes` of x, which elements that tie share equally."""
    chosen = tape.cast_like(tape.Equal(x, y), g)
    ties = tape.ReduceSum(chosen, axes, keepdims=1, **noop)
    return tape.Mul(tape.Div(g, ties), chosen)


def reduce_extremum(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (x, *axes), (y,) = cotangents, node.inputs, node.outputs
    noop = node.attributes.get_int("noop_with_empty_axes", 0)
    kept_g, kept_y = _at_rank_of_input(tape, node, g), _at_rank_of_input(tape, node, y)
    gx = share_of_extremum(tape, kept_g, x, kept_y, axes[0] if axes else None, noop_with_empty_axes=noop)
    return [gx, *([None] * len(axes))]


def reduce_prod(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """The product of the others, without dividing by zero: by a single zero times it, by two nothing."""
    (g,), (x, *axes) = cotangents, node.inputs
    over = axes[0] if axes else None
    noop = node.attributes.get_int("noop_with_empty_axes", 0)
    zero = tape.Equal(x, 0)
    zeros = tape.ReduceSum(tape.cast_like(zero, g), over, keepdims=1, noop_with_empty_axes=noop)
    filled = tape.Where(zero, 1, x)
    rest = tape.ReduceProd(filled, over, keepdims=1, noop_with_empty_axes=noop)
    others = tape.Sub(zeros, tape.cast_like(zero, g))
    product_of_others = tape.Where(tape.Equal(others, 0), tape.Div(rest, filled), 0)
    return [tape.Mul(_at_rank_of_input(tape, node, g), product_of_others), *([None] * len(axes))]


def cum_sum(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """A sum over what follows."""
    (g,), (_, axis) = cotangents, node.inputs
    reverse = node.attributes.get_int("reverse", 0)
    return [
        tape.CumSum(g, axis, exclusive=node.attributes.get_int("exclusive", 0), reverse=1 - reverse),
        None,
    ]


def cum_prod(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """As a sum over what follows of g * y / x, without dividing by zero.

    From the first zero on every product is zero; only through that zero itself do the later ones move, and by as
    much as they were with a one in its place.
    """
    (g,), (x, axis) = cotangents, node.inputs
    exclusive, reverse = node.attributes.get_int("exclusive", 0), node.attributes.get_int("reverse", 0)
    x, g = tape.widened(x), tape.widened(g)
    zero = tape.Equal(x, 0)
    zeros = tape.CumSum(tape.cast_like(zero, x), axis, reverse=reverse)
    first = tape.And(zero, tape.Equal(zeros, 1))

    def following(factors: Operand) -> ir.Value:
        products = tape.CumProd(factors, axis, exclusive=exclusive, reverse=reverse)
        return tape.CumSum(tape.Mul(g, products), axis, exclusive=exclusive, reverse=1 - reverse)

    before = tape.Div(following(x), tape.Where(zero, 1, x))
    return [
        tape.Where(tape.Equal(zeros, 0), before, tape.Where(first, following(tape.Where(first, 1, x)), 0)),
        None,
    ]


def _reduced_axes(tape: Tape, node: ir.Node, x: Operand) -> list[int] | None:
    """The axes that are reduced; None where only a run can tell."""
    axes = node.inputs[1] if len(node.inputs) > 1 else None
    known = tape.known(axes)
    if x is None or x.shape is None or (axes is not None and known is None):
        return None
    rank = len(x.shape)
    if known is None or not known.size:
        return [] if node.attributes.get_int("noop_with_empty_axes", 0) else list(range(rank))
    return [int(axis) % rank for axis in known]


def _repeated(tape: Tape, node: ir.Node, g: Operand) -> ir.Value:
    """`g`, of length 1 along the reduced axes, with the shape of the input."""
    (x, *_) = node.inputs
    reduced = _reduced_axes(tape, node, x)
    if reduced is None:
        return tape.Expand(g, tape.shape(x))
    # the other axes keep their length: no need to read it
    lengths = [tape.size(x, axis) if axis in reduced else 1 for axis in range(tape.rank(x))]
    if g is not None and all(isinstance(length, int) and length == 1 for length in lengths):
        return g
    return tape.Expand(g, lengths)


def _l2(tape: Tape, g: Operand, x: Operand, y: Operand) -> ir.Value:
    """The slope x / y; 0 at the origin, where the norm has no derivative."""
    return tape.Mul(g, tape.Div(x, tape.Where(tape.Equal(y, 0), 1, y)))


RULES: dict[str, Pullback] = {
    "CumProd": cum_prod,
    "CumSum": cum_sum,
    "ReduceL1": reduction(lambda tape, g, x, y: tape.Mul(g, tape.Sign(x))),
    "ReduceL2": reduction(_l2),
    "ReduceLogSum": reduction(lambda tape, g, x, y: tape.Expand(tape.Div(g, tape.Exp(y)), tape.shape(x))),
    "ReduceLogSumExp": reduction(lambda tape, g, x, y: tape.Mul(g, tape.Exp(tape.Sub(x, y)))),
    "ReduceMax": reduce_extremum,
    "ReduceMean": reduce_mean,
    "ReduceMin": reduce_extremum,
    "ReduceProd": reduce_prod,
    "ReduceSum": reduce_sum,
    "ReduceSumSquare": reduction(lambda tape, g, x, y: tape.Mul(g, tape.Mul(x, 2))),
}

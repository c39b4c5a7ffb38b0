"""Pooling: sliding windows over each channel on its own."""

from __future__ import annotations

import math

import onnx_ir as ir

from inspector.autodiff.maxima import comparable, to_first_maximum
from inspector.autodiff.rules.activations import already_masked, is_rectified
from inspector.autodiff.rules.reduction import share_of_extremum, shared_out
from inspector.autodiff.scatter import scatter_add
from inspector.autodiff.sizes import product
from inspector.autodiff.spread import spread
from inspector.autodiff.steps import above
from inspector.autodiff.tape import Operand, Pullback, Tape, Values
from inspector.autodiff.windows import Windows, correlate, windows_over

# --- windows ---------------------------------------------------------------------------------------------


def max_pool(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """To the element that won its window; of equal ones the first, as in every framework.

    Found by comparison, or where that cannot be by the indices of a second MaxPool over the same input, which count
    through the flattened input.
    """
    g, (x,), y = cotangents[0], node.inputs, node.outputs[0]
    if g is None:
        return [None]
    windows = windows_over(tape, node, x, y, node.attributes["kernel_shape"].as_ints())
    if x is not None and comparable(windows, x):
        if not is_rectified(tape, x):
            return [to_first_maximum(tape, g, x, y, windows)]
        # a winner is positive where its maximum is, of which there are fewer
        return [already_masked(to_first_maximum(tape, tape.Mul(g, above(tape, y, 0)), x, y, windows))]
    geometry = {name: each.value for name, each in node.attributes.items() if name != "storage_order"}
    _, indices = tape.op("MaxPool", x, outputs=2, **geometry)
    flat = tape.Reshape(g, [-1])
    places = tape.Reshape(tape.Size(x), [1])
    summed = scatter_add(tape, places, tape.Reshape(indices, [-1]), flat, axis=0, distinct=_disjoint(node))
    return [tape.reshape_like(summed, x)]


def average_pool(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (x,) = cotangents, node.inputs
    windows = windows_over(tape, node, x, node.outputs[0], node.attributes["kernel_shape"].as_ints())
    return [_spread_per_channel(tape, tape.Mul(g, _weight(tape, node, x, windows)), x, windows)]


def lp_pool(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """(sum of |x|^p)^(1/p): dy/dx = sign(x) * (|x| / y)^(p-1)."""
    (g,), (x,), (y,) = cotangents, node.inputs, node.outputs
    windows = windows_over(tape, node, x, y, node.attributes["kernel_shape"].as_ints())
    p = node.attributes.get_int("p", 2)
    scaled = tape.Mul(tape.widened(g), _power(tape, tape.widened(y), 1 - p))
    spread_out = _spread_per_channel(tape, scaled, x, windows)
    wide = tape.widened(x)
    return [tape.Mul(spread_out, tape.Mul(tape.Sign(wide), _power(tape, tape.Abs(wide), p - 1)))]


# --- whole channels --------------------------------------------------------------------------------------


def global_average_pool(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (x,) = cotangents, node.inputs
    spatial = tape.sizes(x)[2:]
    count = product(spatial)
    return [shared_out(tape, g, x, spatial, count)]


def global_max_pool(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (x,), (y,) = cotangents, node.inputs, node.outputs
    return [share_of_extremum(tape, g, x, y, list(range(2, tape.rank(x))))]


def global_lp_pool(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (x,), (y,) = cotangents, node.inputs, node.outputs
    p = node.attributes.get_int("p", 2)
    scaled = tape.Mul(tape.widened(g), _power(tape, tape.widened(y), 1 - p))
    wide = tape.widened(x)
    return [tape.Mul(scaled, tape.Mul(tape.Sign(wide), _power(tape, tape.Abs(wide), p - 1)))]


# --- shared ----------------------------------------------------------------------------------------------


def _disjoint(node: ir.Node) -> bool:
    """Whether no element lies under two windows."""
    kernel = node.attributes["kernel_shape"].as_ints()
    strides = node.attributes.get_ints("strides") or [1] * len(kernel)
    dilations = node.attributes.get_ints("dilations") or [1] * len(kernel)
    return all(s > (k - 1) * d for s, k, d in zip(strides, kernel, dilations, strict=True))


def _power(tape: Tape, x: Operand, exponent: int) -> ir.Value:
    """x^exponent, and 0 where x is 0: there a norm has no derivative, and 0 is the mildest subgradient."""
    if exponent == 0:
        return tape.cast_like(tape.Not(tape.Equal(x, 0)), x)
    return tape.Where(tape.Equal(x, 0), 0, tape.Pow(x, exponent))


def _spread_per_channel(tape: Tape, g: Operand, x: Operand, windows: Windows) -> ir.Value:
    """`spread` with kernels of ones: every channel of every image is an image of one channel."""
    kernel = tape.ones(tape.ints([1, 1, *windows.kernel]), g)
    channels = tape.Reshape(g, [-1, 1, *windows.count])
    return tape.reshape_like(spread(tape, channels, kernel, windows), x)


def _weight(tape: Tape, node: ir.Node, x: Operand, windows: Windows) -> ir.Value | float:
    """What each element under a window counts in its average.

    Where windows hang over the edge it depends on the window, and on what the runtime makes of it: let
    the operator itself average ones (with zeros around), and divide by how many ones there were.
    """
    taps = node.attributes["kernel_shape"].as_ints()
    padded = node.attributes.get_string("auto_pad", "NOTSET").startswith("SAME") or any(
        node.attributes.get_ints("pads") or []
    )
    counted = node.attributes.get_int("count_include_pad", 0)
    if not node.attributes.get_int("ceil_mode", 0) and (counted or not padded):
        return 1 / math.prod(taps)
    ones = tape.ones(tape.ints([1, 1, *windows.size]), x)
    averaged = tape.AveragePool(ones, **{name: each.value for name, each in node.attributes.items()})
    kernel = tape.ones(tape.ints([1, 1, *taps]), x)
    return tape.Div(averaged, correlate(tape, ones, kernel, windows))


RULES: dict[str, Pullback] = {
    "AveragePool": average_pool,
    "GlobalAveragePool": global_average_pool,
    "GlobalLpPool": global_lp_pool,
    "GlobalMaxPool": global_max_pool,
    "LpPool": lp_pool,
    "MaxPool": max_pool,
}

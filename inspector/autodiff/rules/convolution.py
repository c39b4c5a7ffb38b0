"""Convolutions. Each is linear in its input and in its kernel; its transpose is the other convolution."""

from __future__ import annotations

import onnx_ir as ir

from inspector.autodiff.blocked import is_inside, taken_in
from inspector.autodiff.sizes import Size
from inspector.autodiff.spread import spread
from inspector.autodiff.tape import Operand, Pullback, Tape, Values
from inspector.autodiff.windows import correlate, kernel_gradient, windows_over


def conv(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (x, w, *bias) = cotangents, node.inputs
    windows = windows_over(tape, node, x, node.outputs[0], _kernel(tape, node, w))
    gx: Operand = None
    if tape.wants(x):
        gx = spread(tape, g, w, windows)
        # (what was interleaved goes back to where the masks of the maps before it are)
        gx = taken_in(tape, gx, x) if is_inside(x) else gx
    gw = kernel_gradient(tape, x, g, windows) if tape.wants(w) else None
    return [gx, gw, *(_bias(tape, g, windows.axes) for _ in bias)]


def conv_transpose(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (x, w, *bias) = cotangents, node.inputs
    windows = windows_over(tape, node, node.outputs[0], x, _kernel(tape, node, w))
    gx = correlate(tape, g, w, windows) if tape.wants(x) else None
    gw = kernel_gradient(tape, g, x, windows) if tape.wants(w) else None
    return [gx, gw, *(_bias(tape, g, windows.axes) for _ in bias)]


def _kernel(tape: Tape, node: ir.Node, w: Operand) -> list[Size]:
    """The spatial size of the kernel: from the attribute where it is given, else from the weights."""
    attribute = node.attributes.get_ints("kernel_shape")
    return list(attribute) if attribute else tape.sizes(w)[2:]


def _bias(tape: Tape, g: Operand, axes: list[int]) -> ir.Value:
    return tape.ReduceSum(g, [0, *axes], keepdims=0)


RULES: dict[str, Pullback] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
}

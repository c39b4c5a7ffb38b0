"""A way out for images that a rectifier shuts out: nothing in grey excites the channel, so its gradient is zero."""

from __future__ import annotations

import onnx_ir as ir

from inspector.autodiff import RULES
from inspector.autodiff.tape import Operand, Tape, Values

__all__ = ["REDIRECTED"]


def redirected(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """The derivative; of a sample that it lets nothing through of, what would push values back into the open range.

    The trick of lucid (tensorflow/lucid, misc/redirected_relu_grad.py), for Relu and Clip: a value that is cut off and
    that the gradient draws further out stays without one, a value that it draws in gets it as if it were not cut off.
    """
    plain = RULES["", node.op_type](tape, node, cotangents)
    (g,), x = cotangents, node.inputs[0]
    rank = tape.rank(x)
    if rank < 2 or plain[0] is None:
        return plain
    low, high = (0, None) if node.op_type == "Relu" else [*node.inputs[1:], None, None][:2]
    inwards: Operand = g
    if low is not None:
        inwards = tape.Where(tape.LessOrEqual(x, low), tape.Max(g, 0), inwards)
    if high is not None:
        inwards = tape.Where(tape.GreaterOrEqual(x, high), tape.Min(g, 0), inwards)
    through = tape.ReduceMax(tape.Abs(plain[0]), list(range(1, rank)), keepdims=1)
    return [tape.Where(tape.Greater(through, 0), plain[0], inwards), *plain[1:]]


REDIRECTED = RULES.override(Relu=redirected, Clip=redirected)

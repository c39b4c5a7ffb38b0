"""Operators of com.microsoft that standard operators cannot express."""

from __future__ import annotations

import onnx_ir as ir

from inspector.autodiff.rules.linear import transposed
from inspector.autodiff.tape import Pullback, Tape, Values

__all__ = ["RULES"]


def inverse(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Minus the product of the transposed inverse, the cotangent and the transposed inverse."""
    (g,), (x,), (y,) = cotangents, node.inputs, node.outputs
    turned = transposed(tape, y, tape.rank(x))
    return [tape.Neg(tape.MatMul(tape.MatMul(turned, g), turned))]


RULES: dict[str, Pullback] = {"Inverse": inverse}

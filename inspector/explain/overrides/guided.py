"""Guided backpropagation and the deconvnet: what a rectifier lets back, changed.

A rectifier is Relu, or a Clip from 0 upwards (ReLU6). All other operators, those without a kink at 0 among them (Gelu,
Swish), keep their derivative: the methods are defined for rectifiers only.
"""

from __future__ import annotations

import onnx_ir as ir

from inspector.autodiff import RULES
from inspector.autodiff.tape import Operand, Tape, Values

__all__ = ["DECONVNET", "GUIDED", "is_rectifier"]


def is_rectifier(node: ir.Node) -> bool:
    """Whether a node cuts off what lies below 0, and below 0 only: Relu, or a Clip whose lower bound is 0."""
    if node.domain or node.op_type not in ("Relu", "Clip"):
        return False
    return node.op_type == "Relu" or _is_zero(node.inputs[1] if len(node.inputs) > 1 else None)


def guided(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Springenberg et al., Striving for Simplicity, ICLR workshop 2015, section 3.4: the positive part of the gradient,
    where the input was positive.
    """
    pulled = _plain(tape, node, cotangents)
    return [tape.Max(pulled[0], 0), *pulled[1:]] if is_rectifier(node) else pulled


def deconvnet(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Zeiler & Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014, section 2.1: the positive part
    of what arrives, wherever the input lay.
    """
    if not is_rectifier(node):
        return _plain(tape, node, cotangents)
    (g,) = cotangents
    return [tape.Max(g, 0), *[None] * (len(node.inputs) - 1)]


def _plain(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    return RULES["", node.op_type](tape, node, cotangents)


def _is_zero(bound: Operand) -> bool:
    tensor = None if bound is None or bound.is_graph_input() else ir.convenience.get_const_tensor(bound)
    return tensor is not None and not tensor.numpy().any()


GUIDED = RULES.override(Relu=guided, Clip=guided)
DECONVNET = RULES.override(Relu=deconvnet, Clip=deconvnet)

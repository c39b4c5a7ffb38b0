"""Ranks that inference does not tell and operators do: what a convolution reads has as many axes as its weights.

Where a branch squeezes and the other does not (an exporter's `squeeze` of an axis of unknown length), inference
gives up on the rank of the result and of all that follows.
"""

from __future__ import annotations

import onnx_ir as ir

from inspector.autodiff.bodies import flows
from inspector.autodiff.decided import decided
from inspector.autodiff.tape import Tape
from inspector.model.inference import LARGEST, POOLS, infer_node, type_of
from inspector.model.scopes import bodies

__all__ = ["tell_ranks"]

_AXES = {"DepthToSpace": 4, "Gemm": 2, "SpaceToDepth": 4}
"""Of what they read and of what they write."""


def tell_ranks(tape: Tape, graph: ir.Graph, opset: int) -> None:
    """Give every result in `graph` and in its bodies whose shape is unknown the rank that follows, if any does.

    One walk in order: what one node tells of its input helps those that come after it. One back: what a product tells
    of its first factor.
    """
    for node in graph:
        for body in bodies(node):
            tell_ranks(tape, body, opset)
        told = _told(tape, node)
        if told is not None:
            for value in (*node.inputs[:1], *node.outputs[:1]):
                if value is not None:
                    _set_rank(value, told)
        if any(output.name and output.shape is None for output in node.outputs):
            _infer(tape, node, opset)
    for node in reversed(graph):
        _tell_factor(node)


def _tell_factor(node: ir.Node) -> None:
    """What is multiplied by one matrix has as many axes as the product."""
    if (node.domain, node.op_type) != ("", "MatMul"):
        return
    (factor, matrix), (product,) = node.inputs, node.outputs
    if factor is None or matrix is None or matrix.shape is None or product.shape is None:
        return
    if len(matrix.shape) == 2:
        _set_rank(factor, len(product.shape))


def _told(tape: Tape, node: ir.Node) -> int | None:
    """The number of axes of what `node` reads first and writes first."""
    if node.domain:
        return None
    if node.op_type in ("Conv", "ConvTranspose", "DeformConv"):
        weight = node.inputs[1]
        return None if weight is None or weight.shape is None else len(weight.shape)
    if node.op_type in POOLS:
        return 2 + len(node.attributes["kernel_shape"].as_ints())
    if node.op_type == "Transpose" and "perm" in node.attributes:
        return len(node.attributes["perm"].as_ints())
    if node.op_type == "Pad" and len(node.inputs) < 4:
        widths = tape.known(node.inputs[1])
        return None if widths is None else len(widths) // 2
    return _AXES.get(node.op_type)


def _set_rank(value: ir.Value, rank: int) -> None:
    if value.shape is None and isinstance(value.type, ir.TensorType):
        value.shape = ir.Shape([None] * rank)


def _infer(tape: Tape, node: ir.Node, opset: int) -> None:
    """The shapes of the results of one node from what is known of its inputs."""
    if any(True for _ in bodies(node)):
        _from_branches(tape, node)
        return
    given = [value for value in node.inputs if value is not None]
    if node.domain or any(value.type is None or value.shape is None for value in given):
        return
    types = {str(value.name): kind for value in given if (kind := type_of(value)) is not None}
    constants = {
        str(value.name): array
        for value in given
        if (array := tape.known(value)) is not None and array.size <= LARGEST
    }
    found = infer_node(ir.to_proto(node), {"": opset}, types, constants)
    for output in node.outputs:
        if output.name in found and output.shape is None:
            output.shape = ir.serde.deserialize_type_proto_for_shape(found[output.name])


def _from_branches(tape: Tape, node: ir.Node) -> None:
    """What both branches of an `If` have in common, or the one that is always taken says."""
    if (node.domain, node.op_type) != ("", "If"):
        return
    branches = [{result: output.shape for output, result in flow.results} for flow in flows(node)]
    chosen = decided(tape, node.inputs[0])
    if chosen is not None:
        branches = [branches[0 if chosen else 1]]
    for result in node.outputs:
        shapes = [branch[result] for branch in branches]
        ranks = {len(shape) for shape in shapes if shape is not None}
        if len(ranks) == 1 and None not in shapes:
            _set_rank(result, *ranks)

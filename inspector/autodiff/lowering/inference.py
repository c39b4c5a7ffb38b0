"""Types of one node's results, told as a graph is rewritten: whole-graph inference stops at unknown operators."""

from __future__ import annotations

import onnx_ir as ir

from inspector.model.inference import infer_node, set_type, type_of

__all__ = ["infer_results"]

_SMALL = 64  # elements of a constant that may be a shape, axes, sizes, ...


def infer_results(node: ir.Node, opsets: dict[str, int]) -> None:
    """Fill in, in place, element types and shapes of the results of a standard node, where they are not known yet.

    What cannot be inferred stays unknown, which every reader of shapes must expect anyway.
    """
    unknown = [output for output in node.outputs if output.dtype is None or output.shape is None]
    if not unknown or node.domain or node.op_type == "Constant":
        return
    given = [value for value in node.inputs if value is not None]
    types = {str(value.name): kind for value in given if (kind := type_of(value)) is not None}
    constants = {
        str(value.name): constant.numpy()
        for value in given
        if not value.is_graph_input()
        and (constant := ir.convenience.get_const_tensor(value)) is not None
        and constant.size <= _SMALL
    }
    found = infer_node(ir.to_proto(node), opsets, types, constants)
    for output in unknown:
        if output.name in found:
            set_type(output, found[output.name])
    _know_rank(node)


_SAME_RANK = frozenset(["AveragePool", "Conv", "ConvTranspose", "MaxPool", "Pad", "Resize", "Slice"])


def _know_rank(node: ir.Node) -> None:
    """The rank, where sizes that only a run knows keep inference from telling."""
    result, first = node.outputs[0], node.inputs[0] if node.inputs else None
    if result.shape is not None or first is None:
        return
    if node.op_type in _SAME_RANK and first.shape is not None:
        result.shape = ir.Shape([None] * len(first.shape))
    elif node.op_type == "Reshape" and node.inputs[1] is not None and node.inputs[1].shape is not None:
        length = node.inputs[1].shape[0]
        if isinstance(length, int):
            result.shape = ir.Shape([None] * length)

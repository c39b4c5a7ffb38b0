"""The type of what a node computes, for the operators that rules emit."""

from __future__ import annotations

import onnx_ir as ir

from inspector.autodiff.bodies import flows

__all__ = ["type_of_output"]

_BOOLEAN = frozenset(
    [
        "And",
        "Equal",
        "Greater",
        "GreaterOrEqual",
        "IsInf",
        "IsNaN",
        "Less",
        "LessOrEqual",
        "Not",
        "OptionalHasElement",
        "Or",
        "Xor",
    ]
)
_INTEGER = frozenset(["ArgMax", "ArgMin", "NonZero", "SequenceLength", "Shape", "Size"])
_MOVING = frozenset(
    [
        "Expand",
        "Gather",
        "GatherElements",
        "Identity",
        "Pad",
        "ReverseSequence",
        "Reshape",
        "ScatterElements",
        "SequenceErase",
        "SequenceInsert",
        "Slice",
        "Squeeze",
        "Unsqueeze",
    ]
)
"""Operators whose result is of the type of their first input, whatever stands beside it."""


def type_of_output(node: ir.Node, index: int, dtype: ir.DataType) -> ir.TypeProtocol:
    """The type of one output of `node`; `dtype` is that of its numbers."""
    for flow in flows(node):
        # what is stacked has the type of its elements
        type_ = flow.results[index][0].type
        if type_ is not None:
            return type_
    first = node.inputs[0] if node.inputs else None
    if node.op_type == "OptionalGetElement" and first is not None and isinstance(first.type, ir.OptionalType):
        return first.type.elem_type
    if node.op_type in _MOVING and first is not None and first.type is not None:
        return first.type if isinstance(first.type, ir.SequenceType) else ir.TensorType(first.type.dtype)
    if node.op_type == "SequenceEmpty":
        return ir.SequenceType(ir.TensorType(_named_dtype(node, "dtype")))
    if node.op_type in ("SequenceConstruct", "SplitToSequence"):
        return ir.SequenceType(ir.TensorType(dtype))
    return ir.TensorType(_dtype(node, index, dtype))


def _dtype(node: ir.Node, index: int, dtype: ir.DataType) -> ir.DataType:
    op_type = node.op_type
    if op_type in _BOOLEAN:
        return ir.DataType.BOOL
    if op_type in _INTEGER or (op_type in ("MaxPool", "Unique") and index > 0):
        return ir.DataType.INT64
    if op_type == "Cast":
        return _named_dtype(node, "to")
    if op_type == "ConstantOfShape":
        return node.attributes["value"].as_tensor().dtype
    first = node.inputs[0] if node.inputs else None
    if op_type == "SequenceAt" and first is not None and first.dtype is not None:
        return first.dtype
    return dtype


def _named_dtype(node: ir.Node, attribute: str) -> ir.DataType:
    return ir.DataType(node.attributes[attribute].as_int())

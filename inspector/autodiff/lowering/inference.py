"""Types of one node's results, told as a graph is rewritten: whole-graph inference stops at unknown operators."""

from __future__ import annotations

import onnx
import onnx_ir as ir

__all__ = ["infer_results"]

_SMALL = 64  # elements of a constant that may be a shape, axes, sizes, ...


def infer_results(node: ir.Node, opsets: dict[str, int]) -> None:
    """Fill in, in place, element types and shapes of the results of a standard node, where they are not known yet.

    What cannot be inferred stays unknown, which every reader of shapes must expect anyway.
    """
    unknown = [output for output in node.outputs if output.dtype is None or output.shape is None]
    if not unknown or node.domain or node.op_type == "Constant":
        return
    types: dict[str, onnx.TypeProto] = {}
    data: dict[str, onnx.TensorProto] = {}
    for value in node.inputs:
        if value is None:
            continue
        kind = _type(value)
        if kind is None:
            return
        types[str(value.name)] = kind
        constant = ir.convenience.get_const_tensor(value) if not value.is_graph_input() else None
        if constant is not None and constant.size <= _SMALL:
            data[str(value.name)] = onnx.numpy_helper.from_array(constant.numpy(), str(value.name))
    try:
        schema = onnx.defs.get_schema(node.op_type, opsets.get("", 1))
        imports = [onnx.helper.make_opsetid(*item) for item in opsets.items()]
        found = onnx.shape_inference.infer_node_outputs(
            schema, ir.to_proto(node), types, data, opset_imports=imports
        )
    except (onnx.defs.SchemaError, onnx.shape_inference.InferenceError, RuntimeError, ValueError):
        return
    for output in unknown:
        if output.name in found:
            _know(output, found[output.name])
    _know_rank(node)


def _type(value: ir.Value) -> onnx.TypeProto | None:
    if value.dtype is None or not isinstance(value.type, ir.TensorType):
        return None
    proto = onnx.TypeProto()
    proto.tensor_type.elem_type = value.dtype.value
    if value.shape is not None:
        ir.serde.serialize_shape_into(proto, value.shape)
    return proto


def _know(value: ir.Value, proto: onnx.TypeProto) -> None:
    if not proto.HasField("tensor_type"):
        return
    tensor = proto.tensor_type
    if value.dtype is None and tensor.elem_type:
        value.type = ir.TensorType(ir.DataType(tensor.elem_type))
    if value.shape is None and tensor.HasField("shape"):
        value.shape = ir.Shape(
            dim.dim_value if dim.HasField("dim_value") else (dim.dim_param or None)
            for dim in tensor.shape.dim
        )


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

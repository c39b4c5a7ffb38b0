"""What a file may say that `onnx_ir` does not read, said otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

__all__ = ["every_graph", "has_map", "open_negative_dimensions", "readable", "restore_maps"]


def readable(proto: onnx.ModelProto) -> onnx.ModelProto:
    """`proto`, or where it needs it a copy: sparse weights dense, tensors of type map without a type.

    onnxruntime makes sparse weights dense as well.
    """
    if not any(True for _ in _unread(proto)):
        return proto
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    for message in list(_unread(copy)):
        if isinstance(message, onnx.ValueInfoProto):
            message.ClearField("type")
        elif isinstance(message, onnx.AttributeProto):
            tensor = _dense(message.sparse_tensor)
            message.Clear()
            message.name, message.type = "value", onnx.AttributeProto.TENSOR
            message.t.CopyFrom(tensor)
        else:
            message.initializer.extend(_dense(sparse) for sparse in message.sparse_initializer)
            del message.sparse_initializer[:]
    return copy


def restore_maps(graph: onnx.ModelProto | ir.Model, proto: onnx.ModelProto) -> onnx.ModelProto | ir.Model:
    """`graph`, made of `proto`, with the types of those of its inputs that are maps."""
    maps = {value.name: value.type for value in proto.graph.input if has_map(value.type)}
    if not maps:
        return graph
    import onnx
    import onnx_ir as ir

    message = graph if isinstance(graph, onnx.ModelProto) else ir.to_proto(graph)
    for value in message.graph.input:
        if value.name in maps:
            value.type.CopyFrom(maps[value.name])
    return message


def every_graph(proto: onnx.ModelProto) -> Iterator[onnx.GraphProto | onnx.FunctionProto]:
    """The main graph, the functions, and the bodies of nodes in them."""
    pending: list[onnx.GraphProto | onnx.FunctionProto] = [proto.graph, *proto.functions]
    while pending:
        graph = pending.pop()
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                pending += [attribute.g] if attribute.HasField("g") else []
                pending += attribute.graphs


def _unread(
    proto: onnx.ModelProto,
) -> Iterator[onnx.GraphProto | onnx.ValueInfoProto | onnx.AttributeProto]:
    """The graphs with sparse weights, the tensors with a type of maps, and the sparse constants."""
    import onnx

    for graph in every_graph(proto):
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("sparse_tensor") and node.op_type == "Constant":
                    yield attribute
        values = list(graph.value_info)
        if isinstance(graph, onnx.GraphProto):
            values += [*graph.input, *graph.output]
            if graph.sparse_initializer:
                yield graph
        yield from (value for value in values if has_map(value.type))


def has_map(kind: onnx.TypeProto) -> bool:
    """Whether it is a map, or a sequence or an optional of maps."""
    if kind.HasField("sequence_type"):
        return has_map(kind.sequence_type.elem_type)
    if kind.HasField("optional_type"):
        return has_map(kind.optional_type.elem_type)
    return bool(kind.HasField("map_type"))


def _dense(sparse: onnx.SparseTensorProto) -> onnx.TensorProto:
    """Indices are positions in the flattened tensor, or one row of coordinates per value (onnx.proto)."""
    import numpy as np
    from onnx.numpy_helper import from_array, to_array

    values, indices = to_array(sparse.values), to_array(sparse.indices)
    dense = np.zeros(tuple(sparse.dims), dtype=values.dtype)
    if indices.ndim == 2:
        dense[tuple(indices.T)] = values
    else:
        dense.reshape(-1)[indices] = values
    return from_array(dense, sparse.values.name)


def open_negative_dimensions(graph: ir.Graph) -> None:
    """Some exporters (old Paddle) write -1 for a dimension of any size; the runtime takes it so."""
    import onnx_ir as ir

    for each in (graph, *graph.subgraphs()):
        for value in (*each.inputs, *(output for node in each for output in node.outputs)):
            if value.shape is not None and any(isinstance(dim, int) and dim < 0 for dim in value.shape):
                value.shape = ir.Shape(
                    [None if isinstance(dim, int) and dim < 0 else dim for dim in value.shape]
                )

"""A model as the bytes that onnxruntime takes, and where it finds the weights that are not among them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from inspector.errors import ModelError
from inspector.model.external import external_tensors, location_of, set_location
from inspector.session.aside import IN_MEMORY

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

__all__ = ["Serialised", "serialise"]

# bytes of a protobuf message
LARGEST = 2**31 - 1
NEARLY = 2**30


class Serialised(NamedTuple):
    """A message; the folder that its external weights are relative to (None: it has none), and their bytes."""

    message: bytes
    folder: str | None = None
    external: int = 0


def serialise(model: onnx.ModelProto | ir.Model | bytes) -> Serialised:
    """The message of a model whose external weights, if any, stand in files given by absolute paths.

    Raises:
        ModelError: what it holds itself is larger than a message can be.
    """
    if isinstance(model, bytes):
        return Serialised(model)
    import onnx

    if isinstance(model, onnx.ModelProto):
        proto = model
        if any(True for _ in external_tensors(model)):
            # a small copy: its weights are elsewhere
            proto = onnx.ModelProto()
            proto.CopyFrom(model)
    else:
        import onnx_ir as ir

        proto = ir.to_proto(model)
        _forget_names(proto.graph)
    _lift_constants(proto.graph)
    outside = [tensor for tensor in external_tensors(proto) if location_of(tensor) != IN_MEMORY]
    folder = None
    if outside:
        folder = os.path.commonpath([Path(location_of(tensor)).parent for tensor in outside])
        for tensor in outside:
            set_location(tensor, Path(location_of(tensor)).relative_to(folder).as_posix())
    # (counting exactly takes as long as writing)
    if (
        sum(len(weight.raw_data) for weight in proto.graph.initializer) >= NEARLY
        and proto.ByteSize() >= LARGEST
    ):
        raise ModelError(
            "the graph holds more than 2 GB, which a protobuf message cannot: save the model with external data, "
            "or use a float16 one"
        )
    size = sum(
        int(entry.value) for tensor in outside for entry in tensor.external_data if entry.key == "length"
    )
    return Serialised(bytes(proto.SerializeToString()), folder, size)


def _forget_names(graph: onnx.GraphProto) -> None:
    """Drop what a file says of dimensions by name, but of its inputs: where it gives two lengths one name, the runtime
    lets what is computed from the one overwrite the other. It finds out for itself which are the same.
    """
    for value in (*graph.output, *graph.value_info):
        for dim in value.type.tensor_type.shape.dim if value.type.HasField("tensor_type") else ():
            dim.ClearField("dim_param")


def _lift_constants(graph: onnx.GraphProto) -> None:
    """Constants whose numbers are elsewhere become initializers: the runtime looks for none in nodes."""
    constants = [node for node in graph.node if node.op_type == "Constant" and _is_outside(node)]
    for node in constants:
        tensor = graph.initializer.add()
        tensor.CopyFrom(node.attribute[0].t)
        tensor.name = node.output[0]
        graph.node.remove(node)
    for node in graph.node:
        for attribute in node.attribute:
            for body in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                _lift_constants(body)


def _is_outside(node: onnx.NodeProto) -> bool:
    return any(attribute.t.data_location == attribute.t.EXTERNAL for attribute in node.attribute)

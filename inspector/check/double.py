"""A copy of a model in which every floating-point number is a double."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto, TypeProto
from onnx.helper import make_attribute
from onnx.numpy_helper import from_array, to_array

from inspector.model.external import read_into_memory

__all__ = ["Array", "is_narrow", "large_constants", "to_double", "widen"]

Array = NDArray[Any]

LARGE_CONSTANT = 4096
"""Numbers of a constant from which on it counts as a weight."""

_NARROW = frozenset({TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16})
# attributes that hold an element type: Cast, EyeLike and the random operators, the windows, (De)QuantizeLinear
_TYPE_ATTRIBUTES = frozenset(
    {"to", "dtype", "output_datatype", "output_dtype", "stash_type", "softmax_precision"}
)

# operators that make float32 where no attribute says what they make, and that attribute
_DEFAULTS = {
    "ConstantOfShape": "value",
    "RandomNormal": "dtype",
    "RandomUniform": "dtype",
    "BlackmanWindow": "output_datatype",
    "HammingWindow": "output_datatype",
    "HannWindow": "output_datatype",
    "MelWeightMatrix": "output_datatype",
}


def to_double(model: ModelProto) -> ModelProto:
    """Copy a model with float16, bfloat16 and float32 replaced by float64 everywhere, without its weights.

    Constants, inputs, outputs, annotations and the targets of casts change type; nothing else does. The weights of the
    main graph, large constants among them, are left out: see `inspector.check.weights`. The copy is
    meant for `Float64Evaluator`: a runtime may have no double kernel for its operators, and the standard does not allow
    double in all of them.
    """
    copy = ModelProto(ir_version=model.ir_version)
    copy.opset_import.extend(model.opset_import)
    copy.functions.extend(model.functions)
    graph = model.graph
    copy.graph.name = graph.name
    left_out = {node.output[0] for node in large_constants(graph)}
    copy.graph.node.extend(node for node in graph.node if left_out.isdisjoint(node.output))
    copy.graph.sparse_initializer.extend(graph.sparse_initializer)
    copy.graph.input.extend(graph.input)
    copy.graph.output.extend(graph.output)
    copy.graph.value_info.extend(graph.value_info)
    # constants of large files may stand in another one
    read_into_memory(copy)
    _graph(copy.graph)
    for function in copy.functions:
        _function(function)
    return copy


def widen(value: Any) -> Any:
    """An array as it is, a floating-point one as doubles; a sequence element by element; an empty optional is None."""
    if value is None:
        return None
    if isinstance(value, list):
        return [widen(element) for element in value]
    array: Array = np.asarray(value)
    return array.astype(np.float64) if is_narrow(array) else array


def is_narrow(value: Any) -> bool:
    """Whether it is an array of floating-point numbers that are no doubles."""
    dtype = getattr(value, "dtype", None)
    # bfloat16 has kind "V": it is not one of numpy's own
    return dtype is not None and (dtype.name == "bfloat16" or (dtype.kind == "f" and dtype != np.float64))


def large_constants(graph: GraphProto) -> list[NodeProto]:
    """The nodes of the main graph that hold weights: many files have them all in such nodes."""
    return [
        node
        for node in graph.node
        if node.op_type == "Constant"
        and [attribute.name for attribute in node.attribute] == ["value"]
        and prod(node.attribute[0].t.dims) >= LARGE_CONSTANT
    ]


def _graph(graph: GraphProto) -> None:
    for tensor in graph.initializer:
        _tensor(tensor)
    for sparse in graph.sparse_initializer:
        _tensor(sparse.values)
    for value in (*graph.input, *graph.output, *graph.value_info):
        _type(value.type)
    _nodes(graph.node)


def _function(function: FunctionProto) -> None:
    for value in function.value_info:
        _type(value.type)
    for attribute in function.attribute_proto:
        _attribute(attribute)
    _nodes(function.node)


def _nodes(nodes: Iterable[NodeProto]) -> None:
    for node in nodes:
        for attribute in node.attribute:
            _attribute(attribute)
        if node.op_type == "Constant":
            for attribute in node.attribute:
                _constant(attribute)
        name = _DEFAULTS.get(node.op_type)
        if name is not None and all(attribute.name != name for attribute in node.attribute):
            default = from_array(np.zeros(1)) if name == "value" else TensorProto.DOUBLE
            node.attribute.append(make_attribute(name, default))


def _attribute(attribute: AttributeProto) -> None:
    if attribute.HasField("t"):
        _tensor(attribute.t)
    for tensor in attribute.tensors:
        _tensor(tensor)
    if attribute.HasField("sparse_tensor"):
        _tensor(attribute.sparse_tensor.values)
    if attribute.HasField("g"):
        _graph(attribute.g)
    for graph in attribute.graphs:
        _graph(graph)
    if attribute.HasField("tp"):
        _type(attribute.tp)
    if attribute.name in _TYPE_ATTRIBUTES and attribute.i in _NARROW and not attribute.ref_attr_name:
        attribute.i = TensorProto.DOUBLE


def _constant(attribute: AttributeProto) -> None:
    """`value_float` and `value_floats` are float32 by definition: say the same with a tensor of doubles."""
    if attribute.ref_attr_name or attribute.name not in {"value_float", "value_floats"}:
        return
    values = attribute.f if attribute.name == "value_float" else list(attribute.floats)
    attribute.ClearField("f")
    attribute.ClearField("floats")
    attribute.name = "value"
    attribute.type = AttributeProto.TENSOR
    attribute.t.CopyFrom(from_array(np.asarray(values, dtype=np.float64)))


def _tensor(tensor: TensorProto) -> None:
    if tensor.data_type in _NARROW:
        name = tensor.name
        tensor.CopyFrom(from_array(to_array(tensor).astype(np.float64), name))


def _type(kind: TypeProto) -> None:
    if kind.HasField("tensor_type") and kind.tensor_type.elem_type in _NARROW:
        kind.tensor_type.elem_type = TensorProto.DOUBLE
    elif kind.HasField("sequence_type"):
        _type(kind.sequence_type.elem_type)
    elif kind.HasField("optional_type"):
        _type(kind.optional_type.elem_type)

"""Copies of a model in which every floating-point number is a double, or in single precision at least."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto, TypeProto
from onnx.helper import make_attribute
from onnx.numpy_helper import from_array, to_array

from inspector.model.external import read_into_memory

__all__ = ["Array", "has_half", "is_narrow", "large_constants", "to_double", "to_single", "widen"]

Array = NDArray[Any]

LARGE_CONSTANT = 4096
"""Numbers of a constant from which on it counts as a weight."""

_HALF = frozenset({TensorProto.FLOAT16, TensorProto.BFLOAT16})
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
    _DOUBLE.model(copy)
    return copy


def to_single(model: ModelProto) -> ModelProto:
    """Copy a model with float16 and bfloat16 replaced by float32 everywhere, weights included.

    Doubles stay as they are. Where there is nothing to replace, the model itself is returned.
    """
    if not has_half(model):
        return model
    copy = ModelProto()
    copy.CopyFrom(model)
    read_into_memory(copy)
    _SINGLE.model(copy)
    return copy


def has_half(model: ModelProto) -> bool:
    """Whether the main graph says of a weight, a value or a cast that it is in half precision."""
    graph = model.graph
    return (
        any(weight.data_type in _HALF for weight in graph.initializer)
        or any(
            value.type.tensor_type.elem_type in _HALF
            for value in (*graph.input, *graph.output, *graph.value_info)
        )
        or any(
            attribute.name in _TYPE_ATTRIBUTES and attribute.i in _HALF
            for node in graph.node
            for attribute in node.attribute
        )
    )


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


@dataclass(frozen=True)
class _Widening:
    """Replaces types in place.

    Attributes:
        narrow: the types that are replaced.
        number: the type that takes their place.
        dtype: the same, of numpy.
    """

    narrow: frozenset[int]
    number: int
    dtype: type[np.floating[Any]]

    def model(self, model: ModelProto) -> None:
        self.graph(model.graph)
        for function in model.functions:
            self.function(function)

    def graph(self, graph: GraphProto) -> None:
        for tensor in graph.initializer:
            self.tensor(tensor)
        for sparse in graph.sparse_initializer:
            self.tensor(sparse.values)
        for value in (*graph.input, *graph.output, *graph.value_info):
            self.type(value.type)
        self.nodes(graph.node)

    def function(self, function: FunctionProto) -> None:
        for value in function.value_info:
            self.type(value.type)
        for attribute in function.attribute_proto:
            self.attribute(attribute)
        self.nodes(function.node)

    def nodes(self, nodes: Iterable[NodeProto]) -> None:
        for node in nodes:
            for attribute in node.attribute:
                self.attribute(attribute)
            if node.op_type == "Constant":
                for attribute in node.attribute:
                    self.constant(attribute)
            name = _DEFAULTS.get(node.op_type)
            if name is not None and all(attribute.name != name for attribute in node.attribute):
                default = from_array(np.zeros(1, self.dtype)) if name == "value" else self.number
                node.attribute.append(make_attribute(name, default))

    def attribute(self, attribute: AttributeProto) -> None:
        if attribute.HasField("t"):
            self.tensor(attribute.t)
        for tensor in attribute.tensors:
            self.tensor(tensor)
        if attribute.HasField("sparse_tensor"):
            self.tensor(attribute.sparse_tensor.values)
        if attribute.HasField("g"):
            self.graph(attribute.g)
        for graph in attribute.graphs:
            self.graph(graph)
        if attribute.HasField("tp"):
            self.type(attribute.tp)
        if attribute.name in _TYPE_ATTRIBUTES and attribute.i in self.narrow and not attribute.ref_attr_name:
            attribute.i = self.number

    def constant(self, attribute: AttributeProto) -> None:
        """`value_float` and `value_floats` are float32 by definition: say the same with a tensor."""
        if attribute.ref_attr_name or attribute.name not in {"value_float", "value_floats"}:
            return
        values = attribute.f if attribute.name == "value_float" else list(attribute.floats)
        attribute.ClearField("f")
        attribute.ClearField("floats")
        attribute.name = "value"
        attribute.type = AttributeProto.TENSOR
        attribute.t.CopyFrom(from_array(np.asarray(values, dtype=self.dtype)))

    def tensor(self, tensor: TensorProto) -> None:
        if tensor.data_type in self.narrow:
            name = tensor.name
            tensor.CopyFrom(from_array(to_array(tensor).astype(self.dtype), name))

    def type(self, kind: TypeProto) -> None:
        if kind.HasField("tensor_type") and kind.tensor_type.elem_type in self.narrow:
            kind.tensor_type.elem_type = self.number
        elif kind.HasField("sequence_type"):
            self.type(kind.sequence_type.elem_type)
        elif kind.HasField("optional_type"):
            self.type(kind.optional_type.elem_type)


_DOUBLE = _Widening(_HALF | {TensorProto.FLOAT}, TensorProto.DOUBLE, np.float64)
_SINGLE = _Widening(_HALF, TensorProto.FLOAT, np.float32)

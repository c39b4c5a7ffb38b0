"""Element types and shapes by `onnx.shape_inference`, over the whole graph at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from inspector.model.declarations import has_map
from inspector.model.traditional import complete

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir
    from numpy.typing import NDArray

__all__ = ["CEIL_MODE_IS_RIGHT", "LARGEST", "POOLS", "infer", "infer_node", "set_type", "skeleton", "type_of"]

# elements of a constant that shapes may be computed from; larger ones are weights
LARGEST = 4096

POOLS = frozenset(("AveragePool", "LpPool", "MaxPool"))
# until this opset inference counts windows of `POOLS` that start behind the data, which the runtime leaves out
CEIL_MODE_IS_RIGHT = 22
# inference of these crashes where the type of what they read is not known
MAP_READERS = frozenset(("CastMap", "DictVectorizer"))


def infer(model: ir.Model) -> None:
    """Set, in place, what inference tells of types and shapes; where it contradicts the file's annotations it wins.

    What it cannot tell (operators of other domains, what follows from them) keeps its annotation.
    """
    import onnx

    try:
        found = onnx.shape_inference.infer_shapes(
            skeleton(model), check_type=False, strict_mode=False, data_prop=True
        )
    except (onnx.shape_inference.InferenceError, RuntimeError, ValueError):
        # the walk from node to node, which comes after, loses only what a failing node computes
        return
    _read(model.graph, found.graph)


def infer_node(
    node: onnx.NodeProto,
    opsets: Mapping[str, int],
    types: Mapping[str, onnx.TypeProto],
    constants: Mapping[str, NDArray[Any]],
) -> dict[str, onnx.TypeProto]:
    """The types of the results of one node, by name; none where inference cannot tell.

    Args:
        node: of the standard, or of another domain that `onnx` knows.
        opsets: of the model, by domain.
        types: of what the node reads.
        constants: the values of small constants among that: axes, sizes, ...
    """
    import onnx

    if any(name and name not in types for name in node.input):
        return {}
    version = opsets.get(node.domain, 1)
    if node.op_type in POOLS and not node.domain:
        version = max(version, CEIL_MODE_IS_RIGHT)
    try:
        found: dict[str, onnx.TypeProto] = onnx.shape_inference.infer_node_outputs(
            onnx.defs.get_schema(node.op_type, version, node.domain),
            node,
            {name: types[name] for name in node.input if name},
            {name: onnx.numpy_helper.from_array(array, name) for name, array in constants.items()},
            opset_imports=[onnx.helper.make_opsetid(*item) for item in opsets.items()],
        )
    except (
        onnx.defs.SchemaError,
        onnx.shape_inference.InferenceError,
        onnx.checker.ValidationError,
        RuntimeError,
        ValueError,
    ):
        # what follows stays unknown, which every reader of shapes must expect anyway
        return {}
    complete(node, types, found)
    for kind in found.values():
        _open_empty_dimensions(kind)
    return found


def type_of(value: ir.Value) -> onnx.TypeProto | None:
    """Type and shape as a message; None where the type is unknown."""
    import onnx_ir as ir

    return None if value.type is None else ir.serde.serialize_value(value).type


def _read(graph: ir.Graph, found: onnx.GraphProto) -> None:
    types = {info.name: info.type for info in (*found.value_info, *found.output)}
    bodies = {
        (node.name, attribute.name): attribute.g
        for node in found.node
        for attribute in node.attribute
        if attribute.HasField("g")
    }
    for node in graph:
        for value in node.outputs:
            if value.name in types:
                if node.op_type != "Constant":
                    _open_empty_dimensions(types[value.name])
                set_type(value, types[value.name])
        for name, attribute in node.attributes.items():
            if (node.name, name) in bodies:
                _read(attribute.as_graph(), bodies[node.name or "", name])


def _open_empty_dimensions(kind: onnx.TypeProto) -> None:
    """Make what inference says is 0 unknown: of some operators (Attention, LinearClassifier) it is not."""
    for dim in kind.tensor_type.shape.dim if kind.HasField("tensor_type") else ():
        if dim.HasField("dim_value") and dim.dim_value == 0:
            dim.ClearField("dim_value")


def set_type(value: ir.Value, proto: onnx.TypeProto) -> None:
    """Set the type, and the shape by the better of what is known of each dimension: a number before a name."""
    import onnx_ir as ir

    # a map has no type in `onnx_ir`
    found = None if has_map(proto) else ir.serde.deserialize_type_proto_for_type(proto)
    if found is None:
        return
    value.type = found
    shape = ir.serde.deserialize_type_proto_for_shape(proto)
    if shape is None:
        return
    given = value.shape
    if given is not None and len(given) == len(shape):
        shape = ir.Shape(
            [old if _says_more(old, new) else new for old, new in zip(given.dims, shape.dims, strict=True)]
        )
    value.shape = shape


def _says_more(old: int | ir.SymbolicDim, new: int | ir.SymbolicDim) -> bool:
    """Whether what a file says of a dimension says more than inference, which makes names up."""
    if isinstance(new, int):
        return False
    return isinstance(old, int) or (
        old.value is not None and (new.value is None or new.value.startswith("unk__"))
    )


def skeleton(model: ir.Model, outputs: bool = False) -> onnx.ModelProto:
    """The main graph as a message without its large weights, which become inputs, and without annotations.

    Args:
        model: with every node named.
        outputs: whether every result of a node becomes an output.
    """
    import onnx
    import onnx_ir as ir

    graph = onnx.GraphProto(name=model.graph.name or "graph")
    graph.input.extend(ir.serde.serialize_value(value) for value in model.graph.inputs)
    for name, value in model.graph.initializers.items():
        tensor = value.const_value
        if tensor is None or tensor.size > LARGEST:
            graph.input.append(ir.serde.serialize_value(value))
        else:
            graph.initializer.append(ir.serde.serialize_tensor(tensor))
            graph.initializer[-1].name = name
    for node in model.graph:
        large = _large_constant(node)
        if node.op_type in MAP_READERS and node.domain == "ai.onnx.ml":
            known = (value for value in node.outputs if value.type is not None)
            graph.input.extend(ir.serde.serialize_value(value) for value in known)
        elif large is None:
            graph.node.append(ir.serde.serialize_node(node))
        else:
            tensor_type = onnx.helper.make_tensor_type_proto(int(large.dtype), large.shape.numpy())
            graph.input.append(onnx.helper.make_value_info(str(node.outputs[0].name), tensor_type))
    results: Iterator[ir.Value] = (
        (output for node in model.graph if _large_constant(node) is None for output in node.outputs)
        if outputs
        else (value for value in model.graph.outputs if value.producer() is not None)
    )
    names = dict.fromkeys(str(value.name) for value in results if value.name)
    graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    opsets = dict(model.opset_imports)
    # inference stops altogether at a domain that is not imported
    for node in model.graph.all_nodes():
        opsets.setdefault(node.domain, 1)
    imports = [onnx.helper.make_opsetid(*item) for item in opsets.items()]
    return onnx.helper.make_model(graph, opset_imports=imports, ir_version=model.ir_version)


def _large_constant(node: ir.Node) -> ir.TensorProtocol | None:
    if node.op_type != "Constant" or node.domain or "value" not in node.attributes:
        return None
    # (as_tensor() would check a protocol of twenty members)
    tensor: ir.TensorProtocol = node.attributes["value"].value
    return tensor if tensor.size > LARGEST else None

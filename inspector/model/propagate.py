"""Shapes of all tensors for inputs of one given size: a walk through the graph, node by node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from inspector.model.arithmetic import computes_a_shape
from inspector.model.inference import CEIL_MODE_IS_RIGHT, LARGEST, POOLS, infer, infer_node, set_type, type_of

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir
    from numpy.typing import NDArray

__all__ = ["follow_types", "infer_types", "propagate"]


def propagate(model: ir.Model, inputs: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Tensor name -> shape, of every tensor whose shape follows from the shapes of the inputs.

    Unlike inference over the whole graph, this evaluates shape arithmetic as it goes (with the reference operators of
    `onnx`), so that the shape given to a Reshape or a Resize is a constant by the time it gets there.
    """
    import onnx_ir as ir

    walk = _Walk(model)
    for value in model.graph.inputs:
        name = str(value.name)
        if name in inputs and value.dtype is not None and isinstance(value.type, ir.TensorType):
            walk.know_type(name, int(value.dtype), inputs[name])
        elif (kind := type_of(value)) is not None:
            walk.types[name] = kind
    walk.through(model)
    return walk.shapes


def infer_types(model: ir.Model) -> None:
    """Set, in place, every element type and shape that follows from the inputs' and from the file's annotations."""
    infer(model)
    opset = model.opset_imports.get("", CEIL_MODE_IS_RIGHT)
    miscounted = opset < CEIL_MODE_IS_RIGHT and any(
        node.op_type in POOLS and node.attributes.get_int("ceil_mode", 0) for node in model.graph
    )
    results = (value for node in model.graph for value in node.outputs if value.name)
    if miscounted or any(value.type is None or value.shape is None for value in results):
        follow_types(model)


def follow_types(model: ir.Model) -> None:
    """Set, in place, the types and shapes that follow, node by node, from those that are known.

    Unlike inference over the whole graph, this takes the file's annotations where an operator is not known, and goes on
    from them.
    """
    walk = _Walk(model)
    for value in model.graph.inputs:
        if (kind := type_of(value)) is not None:
            walk.types[str(value.name)] = kind
    walk.annotations = {
        str(value.name): kind
        for node in model.graph
        for value in node.outputs
        if value.name and (kind := type_of(value)) is not None
    }
    walk.through(model)
    for node in model.graph:
        for value in node.outputs:
            if value.name in walk.types:
                set_type(value, walk.types[value.name])


class _Walk:
    """What is known so far: the types of tensors, and the values of small constants.

    Attributes:
        types: of the tensors reached.
        shapes: of those among them whose dimensions are all numbers.
        annotations: what is taken for granted of a tensor that inference does not tell of.
    """

    def __init__(self, model: ir.Model) -> None:
        import onnx_ir as ir

        self.shapes: dict[str, tuple[int, ...]] = {}
        self.types: dict[str, onnx.TypeProto] = {}
        self.annotations: dict[str, onnx.TypeProto] = {}
        self._constants: dict[str, NDArray[Any]] = {}
        self._opsets = dict(model.opset_imports)
        self._ir_version = model.ir_version
        for name, value in model.graph.initializers.items():
            tensor = ir.convenience.get_const_tensor(value)
            if tensor is not None:
                self.know_type(name, int(tensor.dtype), tuple(int(dim) for dim in tensor.shape.numpy()))
                if tensor.size <= LARGEST:
                    self._constants[name] = tensor.numpy()

    def through(self, model: ir.Model) -> None:
        for node in model.graph:
            self._visit(node)
            for value in node.outputs:
                if value.name in self.annotations:
                    self.types.setdefault(value.name, self.annotations[value.name])

    def _visit(self, node: ir.Node) -> None:
        import onnx_ir as ir

        if node.op_type == "Shape" and node.domain == "" and self.shape(node.inputs[0]) is not None:
            self.read_shape(node)
            return
        if node.op_type == "Constant" and node.domain == "":
            tensor = ir.convenience.get_const_tensor(node.outputs[0])
            if tensor is not None:
                name = str(node.outputs[0].name)
                self.know_type(name, int(tensor.dtype), tuple(int(dim) for dim in tensor.shape.numpy()))
                if tensor.size <= LARGEST:
                    self._constants[name] = tensor.numpy()
                return
        proto = ir.serde.serialize_node(node)
        constants = self.constants_read_by(node)
        if computes_a_shape(proto, constants):
            self.evaluate(proto, constants)
        else:
            self.infer(proto, constants)

    def shape(self, value: ir.Value | None) -> tuple[int, ...] | None:
        return None if value is None else self.shapes.get(str(value.name))

    def read_shape(self, node: ir.Node) -> None:
        import numpy as np

        dims = self.shape(node.inputs[0]) or ()
        end = node.attributes["end"].as_int() if "end" in node.attributes else None
        self._know_value(
            str(node.outputs[0].name),
            np.array(dims[node.attributes.get_int("start", 0) : end], dtype=np.int64),
        )

    def constants_read_by(self, node: ir.Node) -> dict[str, NDArray[Any]]:
        names = (str(value.name) for value in node.inputs if value is not None)
        return {name: self._constants[name] for name in names if name in self._constants}

    def evaluate(self, proto: onnx.NodeProto, constants: Mapping[str, NDArray[Any]]) -> None:
        import numpy as np
        import onnx
        from onnx.reference import ReferenceEvaluator

        graph = onnx.helper.make_graph(
            [proto],
            "node",
            [onnx.helper.make_value_info(name, self.types[name]) for name in constants],
            [onnx.ValueInfoProto(name=name) for name in proto.output if name],
        )
        imports = [onnx.helper.make_opsetid(*item) for item in self._opsets.items()]
        model = onnx.helper.make_model(graph, opset_imports=imports, ir_version=self._ir_version)
        try:
            with np.errstate(all="ignore"):
                values: list[Any] = list(ReferenceEvaluator(model).run(None, dict(constants)))
        except (RuntimeError, ValueError, TypeError, IndexError, ArithmeticError):
            # sizes chosen at random need not suit the model; the shape stays unknown
            return
        for name, value in zip((name for name in proto.output if name), values, strict=True):
            self._know_value(name, value)

    def infer(self, proto: onnx.NodeProto, constants: Mapping[str, NDArray[Any]]) -> None:
        for name, kind in infer_node(proto, self._opsets, self.types, constants).items():
            self.types[name] = kind
            dims = kind.tensor_type.shape.dim if kind.tensor_type.HasField("shape") else None
            if dims is not None and all(dim.HasField("dim_value") for dim in dims):
                self.shapes[name] = tuple(int(dim.dim_value) for dim in dims)

    def _know_value(self, name: str, value: NDArray[Any]) -> None:
        import numpy as np
        import onnx

        value = np.asarray(value)
        if value.size <= LARGEST:
            self._constants[name] = value
        self.know_type(name, onnx.helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)

    def know_type(self, name: str, dtype: int, shape: tuple[int, ...]) -> None:
        import onnx

        self.types[name] = onnx.helper.make_tensor_type_proto(dtype, shape)
        self.shapes[name] = shape

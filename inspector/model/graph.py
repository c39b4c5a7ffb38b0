"""The graph in memory as everything downstream reads it, and its up-conversion to the opset that the rules know."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from inspector.errors import ModelError
from inspector.model.shapes import complete_shapes

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

__all__ = ["OPSET", "build_graph", "convert_graph", "opset_of"]

# the oldest opset whose operators the gradient rules know
OPSET = 18


def build_graph(proto: onnx.ModelProto) -> ir.Model:
    """Functions inlined, initializers no longer listed as inputs, sorted, every node named, shapes inferred.

    No tensor is renamed. The opset stays that of the file.

    Raises:
        ModelError: the graph is inconsistent (a tensor nobody computes, a cycle, ...).
    """
    import onnx_ir as ir
    from onnx_ir.passes.common import InlinePass, RemoveInitializersFromInputsPass

    try:
        model = ir.from_proto(proto)
        if model.functions:
            InlinePass()(model)
        RemoveInitializersFromInputsPass()(model)
        model.graph.sort()
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ModelError(f"the model's graph is inconsistent: {_first_line(error)}") from None
    _require_producers(model.graph)
    _name_nodes(model.graph)
    # initializers outside the inputs exist since IR 4
    model.ir_version = max(model.ir_version, 8)
    with _quiet():
        complete_shapes(model)
    return model


def opset_of(model: ir.Model) -> int:
    return model.opset_imports.get("", OPSET)


def convert_graph(model: ir.Model) -> ir.Model:
    """Return `model` at opset 18 where it is older (a new model), else itself.

    `onnx.version_converter` turns Upsample and Resize-10 into a half-pixel Resize; both sample asymmetrically
    (ONNX operator specification, Resize-10: x_original = x_resized / scale), which is put right here.

    Raises:
        ModelError: the converter does not know one of the operators.
    """
    import onnx_ir as ir
    from onnx import version_converter

    opset = opset_of(model)
    if opset >= OPSET:
        return model
    try:
        proto = _keep_names(ir.to_proto(model), lambda one: version_converter.convert_version(one, OPSET))
    except (RuntimeError, ValueError) as error:
        raise ModelError(
            f"onnx cannot convert this model from opset {opset} to {OPSET}, which gradients need "
            f"({_first_line(error)}): export it again at opset {OPSET} or newer; activations work as it is"
        ) from None
    converted = build_graph(proto)
    converted.metadata_props.update(model.metadata_props)
    if opset < 11:
        for node in converted.graph:
            if node.op_type == "Resize" and node.domain == "":
                node.attributes["coordinate_transformation_mode"] = ir.AttrString(
                    "coordinate_transformation_mode", "asymmetric"
                )
                node.attributes["nearest_mode"] = ir.AttrString("nearest_mode", "floor")
    return converted


def _keep_names(
    proto: onnx.ModelProto, convert: Callable[[onnx.ModelProto], onnx.ModelProto]
) -> onnx.ModelProto:
    """`proto` converted, with the name of every tensor kept.

    The converter renames what a node that it replaces had computed (Upsample, ...), but never an output of the graph:
    what it lost becomes one for a second conversion.
    """
    converted = convert(proto)
    kept = {name for node in converted.graph.node for name in node.output}
    lost = {name for node in proto.graph.node for name in node.output if name} - kept
    infos = [info for info in proto.graph.value_info if info.name in lost]
    if not infos:
        return converted
    outputs = len(proto.graph.output)
    proto.graph.output.extend(infos)
    converted = convert(proto)
    del converted.graph.output[outputs:]
    return converted


def _require_producers(graph: ir.Graph) -> None:
    known = set(graph.inputs) | set(graph.initializers.values())
    for node in graph:
        for value in node.inputs:
            if value is not None and value.producer() is None and value not in known:
                raise ModelError(
                    f"the model's graph is inconsistent: nothing computes '{value.name}', which node "
                    f"'{node.name or node.op_type}' reads"
                )
    for value in graph.outputs:
        if value.producer() is None and value not in known:
            raise ModelError(f"the model's graph is inconsistent: nothing computes its output '{value.name}'")


def _name_nodes(graph: ir.Graph) -> None:
    taken = {node.name for node in graph if node.name}
    for number, node in enumerate(graph):
        if not node.name:
            name = f"{node.op_type}_{number}"
            while name in taken:
                name += "_"
            node.name = name
            taken.add(name)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """A shape that cannot be inferred stays unknown; the library's warning about it helps nobody."""
    logger = logging.getLogger("onnx_ir")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)

"""Replacing an operator by the body that the ONNX standard defines it by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import onnx
import onnx_ir as ir
from onnx_ir.passes.common import InlinePass

from inspector.model.inference import type_of

__all__ = ["expand_functions"]

_DOMAIN = "onnxlens.expanded"


def expand_functions(model: ir.Model, nodes: Iterable[ir.Node]) -> int:
    """Replace in place each of `nodes` that the standard defines by a function body; how many there were.

    The results keep their names (but are other `ir.Value`s); element types and shapes of what the body adds
    are not inferred.
    """
    opsets = model.graph.opset_imports
    expanded = 0
    for node in nodes:
        body = _body(node, opsets)
        if body is None:
            continue
        _rename(body, f"{node.name or node.op_type}.{expanded}")
        body.domain, body.name = _DOMAIN, f"{node.op_type}.{expanded}"
        model.functions[body.identifier()] = body
        node.domain, node.op_type = body.domain, body.name
        expanded += 1
    if expanded:
        InlinePass(criteria=lambda function: function.domain == _DOMAIN)(model)
    return expanded


def _rename(function: ir.Function, prefix: str) -> None:
    """Names of its own for what one expansion computes: the inliner counts up through all that are taken."""
    for node in function.all_nodes():
        node.name = f"{prefix}/{node.name or node.op_type}"
        for output in node.outputs:
            if output.name:
                output.name = f"{prefix}/{output.name}"


def _body(node: ir.Node, opsets: dict[str, int]) -> ir.Function | None:
    """The function that defines `node`; None where the standard has none for these attributes and types."""
    newest = opsets.get(node.domain, 0)
    if not onnx.defs.has(node.op_type, newest, node.domain):
        return None
    # (the type stubs of onnx.defs know nothing of function bodies)
    schema: Any = onnx.defs.get_schema(node.op_type, newest, node.domain)
    versions = [*schema.function_opset_versions, *schema.context_dependent_function_opset_versions]
    version = max((version for version in versions if version <= newest), default=None)
    if version is None:
        return None
    if schema.has_function:
        encoded = schema.get_function_with_opset_version(version)
    else:
        types = [_type(value).SerializeToString() for value in node.inputs]
        encoded = schema.get_context_dependent_function_with_opset_version(
            version, ir.to_proto(node).SerializeToString(), types
        )
    proto = onnx.FunctionProto()
    proto.ParseFromString(encoded)
    if not all(_reads_alike(inner, opsets) for inner in proto.node):
        return None
    # results that the node leaves out are not computed either
    del proto.output[len(node.outputs) :]
    computed = {name for inner in proto.node for name in inner.output}
    if not proto.node or not computed.issuperset(proto.output):
        return None
    for entry in proto.opset_import:
        entry.version = opsets.get(entry.domain, entry.version)
    declared = set(proto.attribute)
    del proto.attribute[:]
    proto.attribute_proto.extend(
        attribute.default_value
        for name, attribute in schema.attributes.items()
        if name in declared and attribute.default_value.type
    )
    proto.attribute.extend(declared - {attribute.name for attribute in proto.attribute_proto})
    return ir.serde.deserialize_function(proto)


def _type(value: ir.Value | None) -> onnx.TypeProto:
    known = None if value is None else type_of(value)
    return onnx.TypeProto() if known is None else known


def _reads_alike(node: onnx.NodeProto, opsets: dict[str, int]) -> bool:
    """Whether a node of a body, written for an older operator set, is valid in the model's."""
    version = opsets.get(node.domain, 0)
    if not onnx.defs.has(node.op_type, version, node.domain):
        return False
    schema = onnx.defs.get_schema(node.op_type, version, node.domain)
    attributes = all(attribute.name in schema.attributes for attribute in node.attribute)
    return attributes and schema.min_input <= len(node.input) <= schema.max_input

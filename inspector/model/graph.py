"""The graph in memory as everything downstream reads it, and its up-conversion to the opset that the rules know."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from inspector.errors import ModelError
from inspector.model.declarations import open_negative_dimensions, readable
from inspector.model.external import require_whole
from inspector.model.scopes import separate_names
from inspector.model.shapes import complete_shapes
from inspector.model.upgrade import OLDEST, upgrade

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

__all__ = ["OPSET", "build_graph", "convert_graph", "name_nodes", "opset_of"]

# the oldest opset whose operators the gradient rules know
OPSET = 18


def build_graph(proto: onnx.ModelProto) -> ir.Model:
    """Functions inlined, initializers no longer listed as inputs, sorted, every node named, shapes inferred.

    No tensor is renamed. The opset stays that of the file (the newest, of at least 18, where functions have another).

    Raises:
        ModelError: the graph is inconsistent (a tensor nobody computes, a cycle, ...).
    """
    import onnx_ir as ir
    from onnx_ir.passes.common import InlinePass, RemoveInitializersFromInputsPass

    require_whole(proto)
    try:
        with _quiet():
            model = ir.from_proto(readable(proto))
        _short_domain(model)
        if model.functions:
            _mark_versions(model)
            InlinePass()(model)
            separate_names(model.graph)
        RemoveInitializersFromInputsPass()(model)
    except (ValueError, KeyError, TypeError, RuntimeError, ir.passes.InvariantError) as error:
        raise ModelError(f"the model's graph is inconsistent: {_reason(error)}") from None
    _require_attributes(model.graph)
    _require_producers(model.graph)
    _sort(model.graph)
    name_nodes(model.graph)
    open_negative_dimensions(model.graph)
    # initializers outside the inputs exist since IR 4
    model.ir_version = max(model.ir_version, 8)
    versions = {node.version for node in model.graph.all_nodes() if node.version is not None}
    if versions:
        complete_shapes(model)
        upgrade(model, max(OPSET, opset_of(model), *versions))
    complete_shapes(model)
    return model


def opset_of(model: ir.Model) -> int:
    """The opset of the standard's operators."""
    return model.opset_imports.get("", OPSET)


def convert_graph(model: ir.Model) -> ir.Model:
    """Return `model` at opset 18 where it is older (a new model), else itself.

    Raises:
        ModelError: it is older than opset 7, or an operator has no equivalent; names it.
    """
    opset = opset_of(model)
    if opset >= OPSET:
        return model
    if opset < OLDEST:
        raise ModelError(
            f"the model has opset {opset}, older than the {OLDEST} that gradients can be taken from: convert it with "
            "onnx.version_converter, or export it again; activations work as it is"
        )
    converted = model.clone()
    upgrade(converted, OPSET)
    converted.graph.sort()
    complete_shapes(converted)
    return converted


def _short_domain(model: ir.Model) -> None:
    """The standard's domain by the shorter of its names; a file that does not import it has none of its operators."""
    imports = [model.opset_imports, *(function.opset_imports for function in model.functions.values())]
    for opsets in imports:
        if "ai.onnx" in opsets:
            opsets.setdefault("", opsets.pop("ai.onnx"))
    model.opset_imports.setdefault("", OPSET)


def _mark_versions(model: ir.Model) -> None:
    """Tell the nodes of functions their opset where it is not the model's, which they come to stand in."""
    opset = opset_of(model)
    for function in model.functions.values():
        own = function.opset_imports.get("", opset)
        if own != opset:
            for node in function.all_nodes():
                if node.domain == "":
                    node.version = own
            function.opset_imports[""] = opset


def _sort(graph: ir.Graph) -> None:
    try:
        graph.sort()
    except ValueError:
        circle = " -> ".join(_circle(graph))
        raise ModelError(
            f"the model's graph is inconsistent: some tensors are computed from themselves ({circle})"
        ) from None


def _circle(graph: ir.Graph) -> list[str]:
    """Names of tensors each of which is read to compute the next, the first and the last the same."""
    # nodes that wait for others of them: those that no order reaches
    waiting = {node for node in graph if node.outputs}
    while ready := {
        node
        for node in waiting
        if not any(value is not None and value.producer() in waiting for value in node.inputs)
    }:
        waiting -= ready
    node = next(iter(waiting), None)
    path: list[ir.Node] = []
    while node is not None and node not in path:
        path.append(node)
        node = next(
            (value.producer() for value in node.inputs if value is not None and value.producer() in waiting),
            None,
        )
    start = path.index(node) if node in path else 0
    names = [str(each.outputs[0].name) for each in reversed(path[start:])]
    return [names[-1], *names] if names else []


def _require_attributes(graph: ir.Graph) -> None:
    """Refuse what the library would read wrongly: an attribute of no type, a constant of no or of several values."""
    import onnx_ir as ir

    for node in graph.all_nodes():
        where = f"node '{node.name or node.op_type}' ({node.op_type})"
        for attribute in node.attributes.values():
            if attribute.type == ir.AttributeType.UNDEFINED:
                raise ModelError(
                    f"the model's graph is inconsistent: {where} has '{attribute.name}' without a type"
                )
        if node.op_type == "Constant" and node.domain == "" and len(node.attributes) != 1:
            raise ModelError(
                f"the model's graph is inconsistent: {where} has {len(node.attributes)} attributes, not one, its value"
            )


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


def name_nodes(graph: ir.Graph) -> None:
    """A name of its own for every node, those in bodies too: its own where it has one and no other has it before."""
    taken: set[str] = set()
    nodes = list(graph.all_nodes())
    given = {node.name for node in nodes}
    for number, node in enumerate(nodes):
        name = node.name
        if not name or name in taken:
            name = f"{node.name or node.op_type}_{number}"
            while name in taken or name in given:
                name += "_"
            node.name = name
        taken.add(name)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What the library warns of is either said again in an error, or nothing to the reader."""
    logger = logging.getLogger("onnx_ir")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _reason(error: Exception) -> str:
    """The first line of what lies at the bottom: the library's own frames say nothing about the file."""
    while error.__cause__ is not None and isinstance(error.__cause__, Exception):
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return lines[0].partition(". ")[0] if lines else type(error).__name__

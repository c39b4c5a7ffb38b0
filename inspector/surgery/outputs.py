"""More outputs for a graph."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import onnx_ir as ir

from inspector.model.scopes import bodies
from inspector.surgery.copying import copy
from inspector.surgery.lookup import find_value, reads

__all__ = ["add_nodes", "expose", "keep_needed", "register_constants"]


def expose(model: ir.Model, names: Iterable[str]) -> ir.Model:
    """The model with the tensors `names` as further outputs, after its own and in the order given.

    A tensor that is an output already is not added twice. Raises LayerNotFound for an unknown name.
    """
    model = copy(model)
    outputs = model.graph.outputs
    outputs.extend(
        value
        for value in (find_value(model.graph, name) for name in dict.fromkeys(names))
        if value not in set(outputs)
    )
    return model


def add_nodes(graph: ir.Graph, nodes: Sequence[ir.Node], outputs: Sequence[ir.Value]) -> None:
    """Append to `graph` those of `nodes` that `outputs` need, the constants they read, and `outputs`.

    `nodes` stand in topological order and belong to no graph yet; those that nothing needs are detached
    from the tensors they read.
    """
    kept = keep_needed(nodes, outputs)
    register_constants(graph, kept)
    graph.extend(kept)
    graph.outputs.extend(outputs)


def register_constants(graph: ir.Graph, nodes: Iterable[ir.Node]) -> None:
    """Make initializers of `graph` of the constants that `nodes`, or their bodies, read and that belong to no graph."""
    for node in nodes:
        for value in reads(node):
            if value.const_value is not None and value.graph is None and value.producer() is None:
                graph.register_initializer(value)


def keep_needed(nodes: Sequence[ir.Node], outputs: Iterable[ir.Value]) -> list[ir.Node]:
    """Those of `nodes`, in their order, that `outputs` need; the others are detached from the tensors they read.

    `nodes` stand in topological order and belong to no graph yet.
    """
    needed = {output.producer() for output in outputs}
    kept: list[ir.Node] = []
    for node in reversed(nodes):
        if node in needed:
            kept.append(node)
            needed.update(value.producer() for value in reads(node))
        else:
            _detach(node)
    return kept[::-1]


def _detach(node: ir.Node) -> None:
    for index in range(len(node.inputs)):
        node.replace_input_with(index, None)
    for body in bodies(node):
        for inner in body:
            _detach(inner)

"""Finding tensors: by name, and by what reads what."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Collection, Iterable

import onnx_ir as ir

from inspector.errors import LayerNotFound
from inspector.model.scopes import bodies

__all__ = ["ancestors", "find_value", "reads"]


def find_value(graph: ir.Graph, name: str) -> ir.Value:
    """The tensor called `name` (input, initializer or result); LayerNotFound lists near matches."""
    if name in graph.initializers:
        return graph.initializers[name]
    for value in itertools.chain(graph.inputs, (output for node in graph for output in node.outputs)):
        if value.name == name and name:
            return value
    values = ir.convenience.create_value_mapping(graph, include_subgraphs=False)
    if name in values:
        return values[name]
    near = difflib.get_close_matches(name, values, n=5)
    hint = f"; near matches: {', '.join(near)}" if near else ""
    raise LayerNotFound(f"the model has no tensor named {name!r}{hint}")


def reads(node: ir.Node) -> list[ir.Value]:
    """The tensors that `node` reads, also those that its sub-graphs (If, Loop, Scan) take from outside."""
    values = [value for value in node.inputs if value is not None]
    for body in bodies(node) if node.attributes else ():
        values += [value for inner in body.all_nodes() for value in inner.inputs if value is not None]
        values.extend(body.outputs)
    return values


def ancestors(goals: Iterable[ir.Value], stop: Collection[ir.Value] = ()) -> set[ir.Value]:
    """`goals` and every tensor they depend on, looking no further back than the tensors in `stop`."""
    found: set[ir.Value] = set()
    pending = list(goals)
    while pending:
        value = pending.pop()
        if value in found:
            continue
        found.add(value)
        producer = value.producer()
        if producer is not None and value not in stop:
            pending += reads(producer)
    return found

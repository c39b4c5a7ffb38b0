"""The bodies of nodes (If, Loop, Scan), and names for what is added to a graph or hides what is outside a body."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["bodies", "free_prefix", "separate_names"]

# AttributeProto.AttributeType
_GRAPH, _GRAPHS = 5, 10


def bodies(node: ir.Node) -> Iterator[ir.Graph]:
    """The sub-graphs that `node` holds."""
    for attribute in node.attributes.values():
        # (numbers of the standard: the names of an enumeration take long to ask for)
        if attribute.type == _GRAPH:
            yield attribute.as_graph()
        elif attribute.type == _GRAPHS:
            yield from attribute.as_graphs()


def free_prefix(graph: ir.Graph, stem: str) -> str:
    """The first of `stem/`, `stem2/`, `stem3/`, ... that no name in `graph` and its bodies starts with."""
    taken = [name for each in (graph, *graph.subgraphs()) for name in _names(each)]
    prefixes = (f"{stem}{'' if number == 1 else number}/" for number in itertools.count(1))
    return next(prefix for prefix in prefixes if not any(name.startswith(prefix) for name in taken))


def separate_names(graph: ir.Graph) -> None:
    """Rename, in place, what a body calls like a tensor of the graphs around it.

    Inlining a function that holds a body makes such names. In the graph in memory a tensor is itself, in a file it is
    its name: there an inner one would hide the outer.
    """
    taken = {str(value.name) for each in (graph, *graph.subgraphs()) for value in _values(each)}
    _separate(graph, frozenset(), taken)


def _separate(graph: ir.Graph, outside: frozenset[str], taken: set[str]) -> None:
    for value in list(_values(graph)):
        name = str(value.name)
        if name in outside:
            number = 2
            while f"{name}_{number}" in taken:
                number += 1
            value.name = f"{name}_{number}"
            taken.add(value.name)
    visible = outside | {str(value.name) for value in _values(graph)}
    for node in graph:
        for body in bodies(node):
            _separate(body, visible, taken)


def _values(graph: ir.Graph) -> Iterator[ir.Value]:
    yield from graph.inputs
    yield from graph.initializers.values()
    for node in graph:
        yield from (value for value in node.outputs if value.name)


def _names(graph: ir.Graph) -> Iterator[str]:
    """Of tensors and of nodes."""
    yield from (value.name for value in _values(graph) if value.name)
    yield from (node.name for node in graph if node.name)

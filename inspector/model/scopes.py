"""Names of tensors inside bodies (If, Loop, Scan) that hide none outside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["separate_names"]


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
        for attribute in node.attributes.values():
            if attribute.type.name == "GRAPH":
                _separate(attribute.as_graph(), visible, taken)
            elif attribute.type.name == "GRAPHS":
                for body in attribute.as_graphs():
                    _separate(body, visible, taken)


def _values(graph: ir.Graph) -> Iterator[ir.Value]:
    yield from graph.inputs
    yield from graph.initializers.values()
    for node in graph:
        yield from (value for value in node.outputs if value.name)

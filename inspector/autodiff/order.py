"""Where in the file the nodes of a gradient stand."""

from __future__ import annotations

from collections.abc import Collection

import onnx_ir as ir

from inspector.surgery import reads

__all__ = ["bring_forward"]


def bring_forward(graph: ir.Graph, nodes: Collection[ir.Node], seeds: Collection[ir.Value]) -> None:
    """Move those of `nodes`, which end `graph`, that no cotangent of `seeds` reaches, such as masks, right behind the
    last node whose result they read.

    Where each stands beside its pullback instead, onnxruntime's optimiser takes time that grows with the square of the
    nodes: of a chain of 4,000 a second becomes four. The order in which it then runs them is its own.
    """
    reached, moving = set(seeds), set(nodes)
    # a node's number is that of the original node behind which it stands; -1 before all
    number: dict[ir.Node, int] = {}
    last: list[ir.Node] = []
    first = next(iter(graph))
    for node in list(graph):
        values = reads(node)
        if node not in moving:
            number[node] = len(last)
            last.append(node)
        elif reached.isdisjoint(values):
            producers = (value.producer() for value in values)
            place = max((number.get(each, -1) for each in producers if each is not None), default=-1)
            number[node] = place
            graph.remove(node)
            if place < 0:
                graph.insert_before(first, node)
            else:
                graph.insert_after(last[place], node)
                last[place] = node
        else:
            reached.update(node.outputs)

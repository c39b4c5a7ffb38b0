"""Removing what no output needs."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir
from onnx_ir.passes.common import RemoveUnusedNodesPass

from inspector.surgery.copying import copy
from inspector.surgery.lookup import ancestors, find_value

__all__ = ["prune", "reduce_to"]


def prune(model: ir.Model) -> ir.Model:
    """The model without the nodes and initializers that no output depends on; inputs and outputs stay."""
    return RemoveUnusedNodesPass()(copy(model)).model


def reduce_to(graph: ir.Graph, outputs: Sequence[str]) -> None:
    """Leave, in place, what computes the tensors `outputs`, and return these: inputs that none of them reads go too.

    Raises:
        LayerNotFound: there is no tensor of a name given.
    """
    goals = [find_value(graph, name) for name in outputs]
    needed = ancestors(goals)
    graph.outputs.clear()
    graph.remove([node for node in graph if needed.isdisjoint(node.outputs)], safe=True)
    graph.outputs.extend(goals)
    for name in [name for name, value in graph.initializers.items() if value not in needed]:
        graph.initializers.pop(name)
    unread = [value for value in graph.inputs if value not in needed]
    for value in unread:
        graph.inputs.remove(value)

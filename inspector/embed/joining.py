"""Several graphs of one model as one: what they have in common is computed once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx_ir as ir

from inspector.model.external import numbers
from inspector.model.graph import name_nodes
from inspector.model.scopes import free_prefix
from inspector.surgery import append, copy

__all__ = ["join", "same_weights"]


def join(
    model: ir.Model, part: ir.Model, shared: Mapping[str, str], stem: str
) -> tuple[ir.Model, dict[str, str]]:
    """`model` with what `part` computes beside it, outputs of both.

    Args:
        model: of which the result has everything under its name.
        part: another graph, of the same opset.
        shared: tensor of `part` -> tensor of `model` that holds the same.
        stem: begins the names of those of `part`'s tensors whose names are taken.

    Returns:
        The joined model, and the names that `part`'s tensors have in it, where they have others.
    """
    part = copy(part)
    graph, taken = part.graph, set(ir.convenience.create_value_mapping(model.graph))
    _take_from_outside(graph, shared)
    prefix = free_prefix(model.graph, stem)
    results = (value for node in graph.all_nodes() for value in node.outputs)
    renamed = dict(shared)
    for value in [*graph.initializers.values(), *results]:
        if value.name in taken:
            name = f"{prefix}{value.name}"
            renamed[str(value.name)] = name
            value.name = name
    joined = append(model, part)
    name_nodes(joined.graph)
    return joined, renamed


def _take_from_outside(graph: ir.Graph, shared: Mapping[str, str]) -> None:
    """Make inputs, in place, of the tensors that `model` has: they are bound to these by name."""
    given = {value for value in graph.inputs if value.name in shared}
    for value in list(graph.initializers.values()):
        if value.name in shared:
            graph.initializers.pop(str(value.name))
            value.const_value = None
            given.add(value)
            graph.inputs.append(value)
    for node in list(graph):
        outside = [value for value in node.outputs if value.name in shared]
        for value in outside:
            stand_in = ir.Value(name=value.name, type=value.type, shape=value.shape)
            ir.convenience.replace_all_uses_with(value, stand_in, replace_graph_outputs=True)
            value.name = None
            graph.inputs.append(stand_in)
            given.add(stand_in)
        if outside and not any(value.uses() or value.is_graph_output() for value in node.outputs):
            graph.remove(node, safe=True)
    for value in given:
        value.name = shared[str(value.name)]


def same_weights(one: Mapping[str, ir.Value], other: Mapping[str, ir.Value]) -> dict[str, str]:
    """Names of the weights that hold the same in both graphs."""
    found: dict[str, str] = {}
    for name, value in one.items():
        tensor = value.const_value
        same = other[name].const_value if name in other else None
        if tensor is None or same is None or tensor.dtype != same.dtype or tensor.shape != same.shape:
            continue
        if tensor is same or np.array_equal(numbers(tensor), numbers(same)):
            found[name] = name
    return found

"""A quantised model, which rounds, beside the graph of its gradient, which does not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx_ir as ir

from inspector.model.external import numbers
from inspector.model.graph import name_nodes
from inspector.model.scopes import free_prefix
from inspector.objectives import Evaluator, Objective, append_objective
from inspector.surgery import append, copy

__all__ = ["beside"]


def beside(evaluator: Evaluator, objective: Objective, place: str) -> tuple[ir.Model, str]:
    """The model, its outputs as the file computes them, with the straight-through gradient at `place`.

    As in `explain` the top class is that of the file, the gradient that of the graph without rounding. Weights that both
    read are there once.

    Returns:
        The model, with the inputs of `Evaluator.gradient_graph`; and the name of the place's values without rounding.
    """
    model = append_objective(evaluator.model.normalised, objective.keys)
    part = copy(evaluator.gradient_graph(objective, [place], [place]))
    _take_weights_from(part.graph, model.graph.initializers)
    taken = ir.convenience.create_value_mapping(model.graph)
    prefix = free_prefix(model.graph, "straight")
    results = (value for node in part.graph for value in node.outputs)
    renamed: dict[str | None, str] = {}
    for value in [*part.graph.initializers.values(), *results]:
        if value.name in taken:
            name = f"{prefix}{value.name}"
            renamed[value.name] = name
            value.name = name
    # which class is the top one, and on which side a single neuron falls, is for the model to say
    said = {"target.index.": "target.chosen.", "target.sign.": "target.side."}
    for value in part.graph.inputs:
        for asked, answer in said.items():
            if str(value.name).startswith(asked):
                value.name = answer + str(value.name).removeprefix(asked)
    joined = append(model, part)
    name_nodes(joined.graph)
    return joined, renamed.get(place, place)


def _take_weights_from(graph: ir.Graph, weights: Mapping[str, ir.Value]) -> None:
    """Make inputs, in place, of the initializers that are among `weights`: they are bound to these by name."""
    for name, value in list(graph.initializers.items()):
        tensor = value.const_value
        other = weights[name].const_value if name in weights else None
        if tensor is None or other is None or tensor.dtype != other.dtype or tensor.shape != other.shape:
            continue
        if tensor is other or np.array_equal(numbers(tensor), numbers(other)):
            graph.initializers.pop(name)
            value.const_value = None
            graph.inputs.append(value)

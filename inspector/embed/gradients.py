"""The model and all that a method pulls back through it, as one graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import onnx_ir as ir

from inspector.embed.joining import join, same_weights
from inspector.objectives import Evaluator, Objective, append_objective
from inspector.surgery import copy

if TYPE_CHECKING:
    from inspector.autodiff import RuleTable

__all__ = ["Gradients", "Pull", "with_gradients"]


@dataclass(frozen=True)
class Pull:
    """One pass back: to the tensors `wrt`, by `rules`; None: by those of the derivative."""

    wrt: tuple[str, ...]
    rules: RuleTable | None = None


@dataclass(frozen=True)
class Gradients:
    """The graph, and how its tensors are called.

    Attributes:
        model: with the inputs of `Evaluator.gradient_graph`.
        values: tensor that a pull goes to -> the tensor of `model` that holds what is differentiated there.
        pulled: for each pull: tensor that it goes to -> what arrives there.
    """

    model: ir.Model
    values: Mapping[str, str] = field(default_factory=dict)
    pulled: Sequence[Mapping[str, str]] = ()


def with_gradients(evaluator: Evaluator, objective: Objective, pulls: Sequence[Pull]) -> Gradients:
    """The model's outputs and what `pulls` ask for.

    Of a quantised model outputs and top class are those of the file, as in `explain`; the pulls go through the graph
    that does not round, which is computed beside it.
    """
    outputs = [tensor.name for tensor in evaluator.model.outputs]
    places = list(dict.fromkeys(name for pull in pulls for name in pull.wrt))
    first, *others = pulls
    keep = places if evaluator.lowered.quantised else list(dict.fromkeys([*outputs, *places]))
    part = evaluator.gradient_graph(objective, first.wrt, keep, first.rules)
    names: Mapping[str, str] = {}
    if evaluator.lowered.quantised:
        model = append_objective(evaluator.model.normalised, objective.forms)
        shared = same_weights(part.graph.initializers, model.graph.initializers)
        # which class is the top one, and on which side a single neuron falls, is for the file to say
        for term in range(len(objective.keys)):
            shared[f"target.index.{term}"] = f"target.chosen.{term}"
            shared[f"target.sign.{term}"] = f"target.side.{term}"
        model, names = join(model, part, shared, "straight")
    else:
        model = copy(part)
    values = {name: names.get(name, name) for name in places}
    pulled = [{name: f"gradient.{name}" for name in first.wrt}]
    forward = _forward(evaluator, model, names)
    for pull in others:
        part = evaluator.gradient_graph(objective, pull.wrt, (), pull.rules)
        model, renamed = join(
            model, part, forward | same_weights(part.graph.initializers, model.graph.initializers), "again"
        )
        pulled.append({name: renamed.get(f"gradient.{name}", f"gradient.{name}") for name in pull.wrt})
    return Gradients(model, values, pulled)


def _forward(evaluator: Evaluator, model: ir.Model, names: Mapping[str, str]) -> dict[str, str]:
    """Tensors of the graph that is differentiated -> how `model` calls them, which computes them."""
    there = ir.convenience.create_value_mapping(model.graph)
    graph = evaluator.lowered.model.graph
    tensors = [str(value.name) for node in graph for value in node.outputs if value.name]
    target = [name for name in there if name.startswith("target.")]
    called = {name: names.get(name, name) for name in (*tensors, *target)}
    inputs = {value.name for value in graph.inputs}
    return {name: own for name, own in called.items() if own in there and name not in inputs}

"""Reverse-mode automatic differentiation as a transformation of an ONNX graph: ONNX in, ONNX out.

The reverse pass is the textbook one (Griewank & Walther, Evaluating Derivatives, ch. 3; JAX's "autodidax"
has it in thirty lines): walk the nodes backwards; where the outputs of a node have a cotangent, its rule
pulls that back to the inputs; add up what arrives at each tensor. Rules write nodes; nothing is run.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

import onnx
import onnx_ir as ir

from inspector.autodiff.activity import active_values, carries, nodes_between, path_through
from inspector.autodiff.broadcasting import BROADCASTING, dims, unbroadcast
from inspector.autodiff.nondifferentiable import REFUSED
from inspector.autodiff.table import RULES, RuleTable
from inspector.autodiff.tape import Tape
from inspector.errors import ModelError, NotDifferentiable
from inspector.surgery import add_nodes, copy, expand_functions, find_value, infer_types

__all__ = ["vjp"]

OLDEST_OPSET = 18
"""The rules read and write operators in their form of this opset or newer ones."""

Model = TypeVar("Model", onnx.ModelProto, ir.Model)


def vjp(model: Model, outputs: Sequence[str], wrt: Sequence[str], rules: RuleTable = RULES) -> Model:
    """The model with its vector-Jacobian product beside it.

    Args:
        model: of opset 18 or newer. It is not changed.
        outputs: floating-point tensors of the graph, its outputs or not. Each adds a graph input
            `cotangent.<output>` of the tensor's shape and dtype.
        wrt: floating-point tensors of the graph: inputs, initializers or intermediate ones; one may
            depend on another. Each adds a graph output `gradient.<wrt>` of the tensor's shape and dtype:
            the sum over `outputs` of cotangentᵀ · ∂output/∂wrt; zeros where no output depends on it.
        rules: the derivative of each operator.

    Returns:
        A model of the same kind; every original tensor is in it under its name.

    Raises:
        LayerNotFound: there is no tensor of a name given.
        NotDifferentiable: an operator without a rule lies between `wrt` and `outputs` (the message names
            operator, node and path), or a tensor named is not floating-point.
        ModelError: an older opset, a name to be added that is taken, or an unknown rank that a rule needs.
    """
    if isinstance(model, onnx.ModelProto):
        return ir.to_proto(vjp(ir.from_proto(model), outputs, wrt, rules))
    opset = model.graph.opset_imports.get("", OLDEST_OPSET)
    if opset < OLDEST_OPSET:
        raise ModelError(
            f"gradients need opset {OLDEST_OPSET} or newer, and the model has {opset}; convert it first"
        )
    model = _expand(infer_types(copy(model)), outputs, wrt, rules)
    graph = model.graph
    graph.sort()
    sources = [_floating(graph, name) for name in dict.fromkeys(wrt)]
    targets = [_floating(graph, name) for name in dict.fromkeys(outputs)]

    nodes = list(graph)
    active = active_values(nodes, sources, rules)
    tape = Tape(graph, wanted=active)
    seeds: dict[ir.Value, ir.Value] = {
        target: ir.Value(name=f"cotangent.{target.name}", shape=target.shape, type=target.type)
        for target in targets
    }
    gradients = pull_back(tape, nodes, seeds, sources, active, rules)
    results: list[ir.Value] = []
    for source in sources:
        found = gradients.get(source)
        result = tape.Identity(tape.zeros_like(source) if found is None else found)
        result.name, result.shape = f"gradient.{source.name}", source.shape
        results.append(result)

    _refuse_taken_names(graph, [*seeds.values(), *results])
    graph.inputs.extend(seeds.values())
    add_nodes(graph, tape.nodes, outputs=results)
    return model


def pull_back(
    tape: Tape,
    nodes: Sequence[ir.Node],
    seeds: dict[ir.Value, ir.Value],
    sources: Sequence[ir.Value],
    active: Collection[ir.Value],
    rules: RuleTable,
) -> dict[ir.Value, ir.Value]:
    """Walk `nodes` backwards from the cotangents `seeds`; the total cotangent of each tensor reached.

    Only what is `active` is followed: the tensors that depend on one of `sources`.
    """
    arrived = {target: [seed] for target, seed in seeds.items()}
    totals: dict[ir.Value, ir.Value] = {}

    def total(value: ir.Value) -> ir.Value | None:
        if value in arrived:
            totals[value] = functools.reduce(tape.Add, arrived.pop(value))
        return totals.get(value)

    for node in reversed(nodes):
        cotangents = [total(output) for output in node.outputs]
        if not carries(node, active, rules) or all(cotangent is None for cotangent in cotangents):
            continue
        if rules.lacks(node):
            raise _not_differentiable(node, nodes, sources, seeds)
        pulled = rules[node.domain, node.op_type](tape, node, cotangents)
        if len(pulled) != len(node.inputs):
            raise TypeError(
                f"the rule of {node.op_type} gave {len(pulled)} cotangents for {len(node.inputs)} inputs"
            )
        for value, g in zip(node.inputs, pulled, strict=True):
            if value is not None and g is not None and value in active:
                arrived.setdefault(value, []).append(_conform(tape, node, value, g))
    for source in sources:
        total(source)
    return totals


def _conform(tape: Tape, node: ir.Node, value: ir.Value, g: ir.Value) -> ir.Value:
    """`g` with the shape and dtype of `value`, whose cotangent it is."""
    repeated = node.domain == "" and node.op_type in BROADCASTING
    summed = unbroadcast(tape, g, dims(node.outputs[0]), value) if repeated else g
    result = tape.cast(summed, value.dtype)
    if result.shape is None:
        result.shape = value.shape
    return result


def _expand(model: ir.Model, outputs: Sequence[str], wrt: Sequence[str], rules: RuleTable) -> ir.Model:
    """Replace operators without a rule by the body that the standard defines them by, where it has one.

    A body may hold such operators again, hence the loop; bodies do not recur, so it ends.
    """
    graph = model.graph
    while True:
        sources = [find_value(graph, name) for name in wrt]
        targets = [find_value(graph, name) for name in outputs]
        between = nodes_between(list(graph), sources, targets, rules)
        if not expand_functions(model, [node for node in between if rules.lacks(node)]):
            return model
        infer_types(model)


def _floating(graph: ir.Graph, name: str) -> ir.Value:
    value = find_value(graph, name)
    if value.dtype is None:
        raise ModelError(f"the element type of tensor {name!r} is unknown; run shape inference on the model")
    if not value.dtype.is_floating_point():
        raise NotDifferentiable(f"tensor {name!r} has no derivative: its elements are {value.dtype.name}")
    return value


def _refuse_taken_names(graph: ir.Graph, added: Sequence[ir.Value]) -> None:
    existing = set(ir.convenience.create_value_mapping(graph))
    for value in added:
        if value.name in existing:
            raise ModelError(f"the model already has a tensor named {value.name!r}; rename it first")


def _not_differentiable(
    node: ir.Node, nodes: Sequence[ir.Node], sources: Sequence[ir.Value], targets: Iterable[ir.Value]
) -> NotDifferentiable:
    operator = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
    reason = REFUSED.get((node.domain, node.op_type), "there is no rule for it")
    path = " -> ".join(path_through(node, nodes, sources, targets))
    return NotDifferentiable(
        f"no derivative for operator {operator} (node {node.name!r}): {reason}. It lies on the path {path}. "
        f"Choose a layer after it, or give a rule: RULES.override({node.op_type}=...)"
    )

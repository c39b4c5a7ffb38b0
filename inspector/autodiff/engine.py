"""Reverse-mode automatic differentiation as a transformation of an ONNX graph: ONNX in, ONNX out.

The reverse pass is the textbook one (Griewank & Walther, Evaluating Derivatives, ch. 3; JAX's "autodidax"
has it in thirty lines): walk the nodes backwards; where the outputs of a node have a cotangent, its rule
pulls that back to the inputs; add up what arrives at each tensor. Rules write nodes; nothing is run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import onnx
import onnx_ir as ir

from inspector.autodiff.activity import active_values, nodes_between, nodes_lacking
from inspector.autodiff.backward import Blocked, pull_back
from inspector.autodiff.blocked import read_copies
from inspector.autodiff.carried import infer_bodies
from inspector.autodiff.constants import write_constants
from inspector.autodiff.decompose import decompose
from inspector.autodiff.history import remember
from inspector.autodiff.order import bring_forward
from inspector.autodiff.ranks import tell_ranks
from inspector.autodiff.table import RULES, RuleTable
from inspector.autodiff.tape import Tape
from inspector.errors import ModelError, NotDifferentiable
from inspector.model.graph import name_nodes
from inspector.model.inference import infer
from inspector.surgery import add_nodes, copy, expand_functions, find_value

__all__ = ["add_vjp", "vjp"]

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
    model = copy(model)
    add_vjp(model, outputs, wrt, rules)
    return model


def add_vjp(model: ir.Model, outputs: Sequence[str], wrt: Sequence[str], rules: RuleTable = RULES) -> None:
    """`vjp` in place. Where it raises, the model is not to be used any more."""
    opset = model.graph.opset_imports.get("", OLDEST_OPSET)
    if opset < OLDEST_OPSET:
        raise ModelError(
            f"gradients need opset {OLDEST_OPSET} or newer, and the model has {opset}; convert it first"
        )
    graph = model.graph
    graph.sort()
    tape = Tape(graph, rules=rules)
    name_nodes(graph)
    _infer(model)
    _expand(tape, model, outputs, wrt, rules)
    graph.sort()
    write_constants(tape, graph)
    infer_bodies(model)
    tell_ranks(tape, graph, opset)
    remember(tape, _between(graph, outputs, wrt, rules))
    sources = [_floating(graph, name) for name in dict.fromkeys(wrt)]
    targets = [_floating(graph, name) for name in dict.fromkeys(outputs)]

    nodes = list(graph)
    tape.wanted, tape.sources = active_values(nodes, sources, rules), sources
    seeds: dict[ir.Value, ir.Value] = {
        target: ir.Value(name=f"cotangent.{target.name}", shape=target.shape, type=target.type)
        for target in targets
    }
    try:
        gradients = pull_back(tape, nodes, seeds, sources)
    except Blocked as blocked:
        raise blocked.told() from None
    results: list[ir.Value] = []
    for source in sources:
        found = gradients.get(source)
        result = tape.Identity(tape.zeros_like(source) if found is None else found)
        result.name, result.shape = f"gradient.{source.name}", source.shape
        results.append(result)

    _refuse_taken_names(graph, [*seeds.values(), *results])
    graph.inputs.extend(seeds.values())
    add_nodes(graph, tape.nodes, outputs=results)
    bring_forward(graph, [node for node in tape.nodes if node.graph is graph], seeds.values())
    read_copies(tape, graph, tape.copying)


def _expand(
    tape: Tape, model: ir.Model, outputs: Sequence[str], wrt: Sequence[str], rules: RuleTable
) -> None:
    """Replace operators without a rule by a decomposition, or by the body that the standard defines them by.

    What they are replaced by may hold such operators again, hence the loop; nothing recurs, so it ends.
    """
    graph = model.graph
    while True:
        sources = [find_value(graph, name) for name in wrt]
        lacking = list(nodes_lacking(_between(graph, outputs, wrt, rules), sources, rules))
        others = decompose(tape, graph, lacking)
        if not expand_functions(model, others) and len(others) == len(lacking):
            return
        name_nodes(graph)
        _infer(model)


def _infer(model: ir.Model) -> None:
    """Fill in types and shapes, if any is missing."""
    results = (output for node in model.graph.all_nodes() for output in node.outputs if output.name)
    if any(value.type is None or value.shape is None for value in results):
        infer(model)


def _between(graph: ir.Graph, outputs: Sequence[str], wrt: Sequence[str], rules: RuleTable) -> list[ir.Node]:
    sources = [find_value(graph, name) for name in wrt]
    targets = [find_value(graph, name) for name in outputs]
    return nodes_between(list(graph), sources, targets, rules)


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

"""Sub-graphs: how values get into the bodies of `If`, `Loop` and `Scan`, round them and out again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx_ir as ir

from inspector.model.scopes import bodies

__all__ = ["Flow", "captured", "flows", "operands"]


@dataclass(frozen=True)
class Flow:
    """How values travel between a node and one of its bodies.

    Attributes:
        body: the sub-graph.
        entries: (input of the node, input of the body that it becomes), sliced where `Scan` slices it.
        carried: (output of the body, input of the body that it is in the next iteration).
        results: (output of the body, output of the node that it becomes), stacked where it is a scan output.
    """

    body: ir.Graph
    entries: tuple[tuple[ir.Value | None, ir.Value], ...] = ()
    carried: tuple[tuple[ir.Value, ir.Value], ...] = ()
    results: tuple[tuple[ir.Value, ir.Value], ...] = ()


def captured(node: ir.Node) -> list[ir.Value]:
    """The tensors from outside that the bodies of `node` read, each once, in the order in which they are met."""
    found: dict[ir.Value, None] = {}
    for body in bodies(node):
        inside = {*body.inputs, *body.initializers.values()}
        for inner in body:
            inside.update(inner.outputs)
        for inner in body:
            read = [value for value in inner.inputs if value is not None] + captured(inner)
            found.update((value, None) for value in read if value not in inside)
        found.update((value, None) for value in body.outputs if value not in inside)
    return list(found)


def operands(node: ir.Node) -> list[ir.Value | None]:
    """All that a cotangent can be given to: the inputs of `node`, then what its bodies take from outside."""
    return [*node.inputs, *captured(node)]


def flows(node: ir.Node) -> list[Flow]:
    """One for each body of a control-flow operator of the standard; none for any other operator."""
    if node.domain != "":
        return []
    if node.op_type == "If":
        branches = (node.attributes[name].as_graph() for name in ("then_branch", "else_branch"))
        return [Flow(body, results=tuple(zip(body.outputs, node.outputs, strict=False))) for body in branches]
    if node.op_type == "Loop":
        # behind the number of iterations and the condition stands the state
        return [_iterated(node, node.inputs[2:], 2, 1)]
    if node.op_type == "Scan":
        states = len(node.inputs) - node.attributes["num_scan_inputs"].as_int()
        return [_iterated(node, node.inputs, 0, 0, states)]
    return []


def _iterated(
    node: ir.Node,
    given: Sequence[ir.Value | None],
    first_input: int,
    first_output: int,
    states: int | None = None,
) -> Flow:
    body = node.attributes["body"].as_graph()
    inputs, outputs = body.inputs[first_input:], body.outputs[first_output:]
    states = len(given) if states is None else states
    return Flow(
        body,
        entries=tuple(zip(given, inputs, strict=False)),
        carried=tuple(zip(outputs[:states], inputs[:states], strict=True)),
        results=tuple(zip(outputs, node.outputs, strict=False)),
    )

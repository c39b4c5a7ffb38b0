"""A second run of the model, of a reference input, beside the gradient's own: what DeepLIFT's rules compare with."""

from __future__ import annotations

from collections.abc import Mapping

import onnx_ir as ir

from inspector.autodiff.backward import Blocked
from inspector.autodiff.residuals import repeated
from inspector.autodiff.tape import Operand, Tape
from inspector.surgery import reads

__all__ = ["at_reference"]

PREFIX = "reference."


def at_reference(tape: Tape, node: ir.Node) -> Mapping[Operand, ir.Value]:
    """The tensors that depend on the input, each to what it is in the run of the input `reference.<input>`.

    The run is written on the tape once per graph; what of it is not needed goes with the other nodes that are not.

    Raises:
        Blocked: the node lies in the body of another, which is run apart.
    """
    graph = node.graph
    assert graph is not None
    if PREFIX not in graph.meta:
        graph.meta[PREFIX] = _second_run(tape, node, graph)
    found: Mapping[Operand, ir.Value] = graph.meta[PREFIX]
    return found


def _second_run(tape: Tape, node: ir.Node, graph: ir.Graph | ir.Function) -> dict[ir.Value, ir.Value]:
    inputs = {value.name: value for value in graph.inputs}
    pairs = {
        inputs[name.removeprefix(PREFIX)]: value
        for name, value in inputs.items()
        if name is not None and name.startswith(PREFIX) and name.removeprefix(PREFIX) in inputs
    }
    if not pairs:
        raise Blocked(node, "DeepLIFT compares two runs, and a loop's body is run apart from either", [])
    for each in list(graph):
        if any(value in pairs for value in reads(each)):
            tape.nodes.append(repeated(tape, each, pairs))
    return pairs

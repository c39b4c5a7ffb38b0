"""Loops that remember: a state whose shape may change cannot be stacked, so a sequence keeps what it was."""

from __future__ import annotations

from collections.abc import Iterable

import onnx_ir as ir

from inspector.autodiff.bodies import flows, operands
from inspector.autodiff.broadcasting import dims
from inspector.autodiff.sequences import is_sequence
from inspector.autodiff.tape import Tape
from inspector.model.scopes import bodies

__all__ = ["remember", "remembered", "settled", "symbols"]

_KEY = "onnxlens.history"


def symbols(node: ir.Node) -> set[str]:
    """The symbolic lengths that stand for one number while `node` runs: those of the tensors that it reads."""
    tensors = (value for value in operands(node) if not is_sequence(value))
    return {dim for value in tensors for dim in dims(value) or () if isinstance(dim, str)}


def settled(value: ir.Value, known: set[str]) -> bool:
    """Whether the model tells that `value` has one shape in every iteration, given the lengths that are `known`."""
    shape = dims(value) if isinstance(value.type, ir.TensorType) else None
    return shape is not None and all(isinstance(dim, int) or dim in known for dim in shape)


def remember(tape: Tape, nodes: Iterable[ir.Node]) -> None:
    """Give the loops among `nodes`, and in their bodies, a history of each state whose shape is not settled.

    Their results keep their names, but are other `ir.Value`s.
    """
    for node in list(nodes):
        for body in bodies(node):
            remember(tape, body)
        if (node.domain, node.op_type) == ("", "Loop"):
            _remember(tape, node)


def remembered(node: ir.Node) -> dict[int, int]:
    """Of a loop: the place of a state -> the place, among the states, of the sequence of its values so far."""
    found: dict[int, int] = node.meta.get(_KEY, {})
    return found


def _remember(tape: Tape, node: ir.Node) -> None:
    (flow,) = flows(node)
    known, count = symbols(node), len(flow.carried)
    states = [inside for _, inside in flow.carried]
    places = [
        place
        for place, state in enumerate(states)
        if isinstance(state.type, ir.TensorType) and not settled(state, known)
    ]
    graph = node.graph
    if not places or graph is None:
        return
    outside, inner, body = tape.inner(), tape.inner(), flow.body
    dtypes = [states[place].dtype or ir.DataType.FLOAT for place in places]
    empty = [outside.SequenceEmpty(dtype=dtype.value) for dtype in dtypes]
    so_far = [tape.like(each, "so_far") for each in empty]
    grown = [inner.SequenceInsert(seq, states[place]) for seq, place in zip(so_far, places, strict=True)]
    body.inputs.extend(so_far)
    body.extend(inner.nodes)
    for number, sequence in enumerate(grown):
        body.outputs.insert(1 + count + number, sequence)
    loop = ir.Node(
        "",
        "Loop",
        [*node.inputs, *empty],
        node.attributes.values(),
        num_outputs=len(node.outputs) + len(places),
        name=node.name,
    )
    loop.meta[_KEY] = {place: count + number for number, place in enumerate(places)}
    own = [*loop.outputs[:count], *loop.outputs[count + len(places) :]]
    for sequence, output in zip(grown, loop.outputs[count : count + len(places)], strict=True):
        output.name, output.type = tape.name("history"), sequence.type
    for old, new in zip(node.outputs, own, strict=True):
        new.name, new.type, new.shape = old.name, old.type, old.shape
    ir.convenience.replace_nodes_and_values(graph, node, [node], [*outside.nodes, loop], node.outputs, own)

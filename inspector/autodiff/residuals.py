"""What the pullback of a body reads of its forward pass: kept from there, or computed again.

JAX calls this the partial evaluation of a scan: values that differ from one iteration to the next are handed
over, those that do not (a transposed weight) are computed again, so that no copy is kept for every iteration.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import onnx_ir as ir

from inspector.autodiff.nondifferentiable import RANDOM
from inspector.autodiff.tape import Tape
from inspector.model.scopes import bodies
from inspector.surgery import keep_needed, reads

__all__ = ["DRAWN", "repeated", "supply", "varying"]

DRAWN = frozenset([*RANDOM, "Dropout"])
"""Operators that give another result when they run again."""

_OF_SHAPES = frozenset(["Shape", "Size"])


def supply(
    head: Tape,
    pulled: Tape,
    body: ir.Graph,
    outputs: Sequence[ir.Value],
    keep: Callable[[ir.Value], ir.Value],
    again: Callable[[ir.Value], bool],
) -> list[ir.Value]:
    """Append to `head` what `outputs` need of `pulled`, with all that this reads of the graph `body`.

    Args:
        head: the tape of the body that is being written.
        pulled: a tape inside it with the pullback of `body`.
        outputs: values of `pulled`, of `body` or of outer graphs.
        keep: makes a value of `body` available on `head`.
        again: whether a value is computed again from values before it, instead.

    Returns:
        `outputs`, each as it is called on `head`.
    """
    nodes = keep_needed(pulled.nodes, outputs)
    forward = {*body.inputs, *body.initializers.values()}
    forward.update(output for node in body for output in node.outputs)
    shapes = [node for node in nodes if node.op_type in _OF_SHAPES and node.inputs[0] in forward]
    for node in shapes:
        # the shape of a tensor is less to keep than the tensor
        node.outputs[0].shape = _shape_of_shape(node)
        body.append(node)
        forward.update(node.outputs)
    nodes = [node for node in nodes if node not in set(shapes)]

    needed = {value for node in nodes for value in reads(node) if value in forward}
    needed.update(output for output in outputs if output in forward)
    available: dict[ir.Value, ir.Value] = {}
    again_here: list[ir.Node] = []
    for node in reversed(list(body)):
        wanted = [output for output in node.outputs if output in needed]
        if any(again(output) for output in wanted):
            again_here.append(node)
            needed.update(value for value in reads(node) if value in forward)
        else:
            available.update((output, keep(output)) for output in wanted)
    available.update((value, keep(value)) for value in body.inputs if value in needed)
    available.update((value, _shared(head, value)) for value in body.initializers.values() if value in needed)
    for node in reversed(again_here):
        head.nodes.append(repeated(head, node, available))
    for node in nodes:
        _redirect(node, available)
    head.nodes += nodes
    return [available.get(output, output) for output in outputs]


def _shape_of_shape(node: ir.Node) -> ir.Shape | None:
    (x,) = node.inputs
    if node.op_type == "Size":
        return ir.Shape([])
    if x is None or x.shape is None:
        return None
    end = node.attributes["end"].as_int() if "end" in node.attributes else None
    return ir.Shape([len(range(len(x.shape))[node.attributes.get_int("start", 0) : end])])


def varying(body: ir.Graph) -> set[ir.Value]:
    """The values in `body` that may differ between two runs of it."""
    found = set(body.inputs)
    for node in body:
        if node.op_type in DRAWN or any(value in found for value in reads(node)):
            found.update(node.outputs)
    return found


def _shared(tape: Tape, weight: ir.Value) -> ir.Value:
    """A weight of the forward body, whose bytes it shares, where the pullback sees it."""
    return ir.Value(
        name=tape.name("weight"), shape=weight.shape, type=weight.type, const_value=weight.const_value
    )


def repeated(tape: Tape, node: ir.Node, available: dict[ir.Value, ir.Value]) -> ir.Node:
    """A copy of `node` that reads what is `available`, to which its results are added."""
    copy = ir.Node(
        node.domain,
        node.op_type,
        [None if value is None else available.get(value, value) for value in node.inputs],
        [_cloned(attribute) for attribute in node.attributes.values()],
        num_outputs=len(node.outputs),
        name=tape.name(node.op_type),
    )
    for old, new in zip(node.outputs, copy.outputs, strict=True):
        new.name = tape.name(node.op_type) if old.name else ""
        new.type, new.shape, new.const_value = old.type, old.shape, old.const_value
        available[old] = new
    for body in bodies(copy):
        _rename(tape, body)
        for inner in body:
            _redirect(inner, available)
    return copy


def _cloned(attribute: ir.Attr) -> ir.Attr:
    if attribute.type != ir.AttributeType.GRAPH:
        return attribute
    return ir.AttrGraph(attribute.name, attribute.as_graph().clone(allow_outer_scope_values=True))


def _rename(tape: Tape, body: ir.Graph) -> None:
    """Give what `body` computes names that nothing else has."""
    for value in body.inputs:
        value.name = tape.name("input")
    for node in body:
        node.name = tape.name(node.op_type)
        for output in node.outputs:
            output.name = tape.name(node.op_type) if output.name else ""
        for inner in bodies(node):
            _rename(tape, inner)


def _redirect(node: ir.Node, available: dict[ir.Value, ir.Value]) -> None:
    for index, value in enumerate(node.inputs):
        if value is not None and value in available:
            node.replace_input_with(index, available[value])
    for body in bodies(node):
        for inner in body:
            _redirect(inner, available)

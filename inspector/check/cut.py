"""The part of a graph between some tensors, which can be fed any value, and others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

from inspector.errors import ModelError

__all__ = ["MOVES", "between", "boundary", "part", "reads"]

MOVES = frozenset(
    ("Flatten", "Gather", "Identity", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze")
)
"""Operators whose results are some of the numbers of their first input, whatever their type."""


def between(nodes: Sequence[NodeProto], given: Collection[str], outputs: Sequence[str]) -> list[NodeProto]:
    """The nodes that compute `outputs` once `given` is known, each after those that it reads.

    What neither is given nor computed by a node (inputs, weights) is taken to be known.
    """
    makers = {name: index for index, node in enumerate(nodes) for name in node.output if name}
    order: list[int] = []
    seen: set[int] = set()
    for output in outputs:
        pending: list[tuple[str | None, int]] = [(output, -1)]
        while pending:
            name, done = pending.pop()
            if name is None:
                order.append(done)
                continue
            index = makers.get(name, -1)
            if name in given or index < 0 or index in seen:
                continue
            seen.add(index)
            pending.append((None, index))
            pending += [(read, -1) for read in reversed(list(reads(nodes[index])))]
    return [nodes[index] for index in order]


def boundary(model: ModelProto, tensor: str, outputs: Sequence[str]) -> tuple[str, ...]:
    """What the nodes between `tensor` and `outputs` read beside it; it does not depend on `tensor`.

    Weights and constants are left out, also those that nodes have only moved: fed from outside, the bounds of a `Slice`
    of a shape make onnxruntime infer that nothing is left of it.

    An output that does not depend on `tensor` is part of it.

    Raises:
        ModelError: the main graph has no such tensor (inside a function, or a branch of an `If`, it has none).
    """
    graph = model.graph
    known = {value.name for value in graph.input} | {name for node in graph.node for name in node.output}
    for name in (tensor, *outputs):
        if name not in known:
            raise ModelError(f"the main graph computes no tensor '{name}'")
    dependent = {tensor}
    read: set[str] = set(outputs)
    for node in between(graph.node, {tensor}, outputs):
        taken = set(reads(node))
        if not dependent.isdisjoint(taken):
            dependent.update(name for name in node.output if name)
            read |= taken
    return tuple(sorted(read - dependent - _fixed(graph)))


def part(model: ModelProto, given: Sequence[str], outputs: Sequence[str]) -> ModelProto:
    """The sub-model that computes `outputs`; its inputs are those of `given` that it reads, weights are inside.

    The nodes are those of the file itself; an output of theirs that is given goes by another name.
    """
    graph = model.graph
    nodes = between(graph.node, frozenset(given), outputs)
    annotations = {v.name: v for v in (*graph.value_info, *graph.output, *graph.input)}
    read = {name for node in nodes for name in reads(node)} | set(outputs)
    made = ModelProto(ir_version=model.ir_version)
    made.opset_import.extend(model.opset_import)
    made.functions.extend(model.functions)
    made.graph.name = "part"
    inputs = [name for name in given if name in read]
    made.graph.input.extend(annotations.get(name) or ValueInfoProto(name=name) for name in inputs)
    made.graph.output.extend(ValueInfoProto(name=name) for name in outputs)
    made.graph.node.extend(nodes)
    for node in made.graph.node:
        node.output[:] = [f"{name}.unread" if name in inputs else name for name in node.output]
    kept = read - set(given)
    made.graph.initializer.extend(w for w in graph.initializer if w.name in kept)
    made.graph.sparse_initializer.extend(w for w in graph.sparse_initializer if w.values.name in kept)
    return made


def _fixed(graph: GraphProto) -> set[str]:
    """Weights, constants, and what nodes make of them that only move numbers to places that do not depend on the
    inputs.
    """
    fixed = {w.name for w in graph.initializer} | {w.values.name for w in graph.sparse_initializer}
    fixed.update(node.output[0] for node in graph.node if node.op_type == "Constant")
    for node in graph.node:
        if node.op_type in MOVES and node.domain == "" and fixed.issuperset(reads(node)):
            fixed.update(node.output)
    return fixed


def reads(node: NodeProto) -> Iterator[str]:
    """Names that a node takes from the graph around it, those that its sub-graphs capture included."""
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            yield from _captures(graph)


def _captures(graph: GraphProto) -> Iterator[str]:
    own = {value.name for value in graph.input} | {w.name for w in graph.initializer}
    own.update(name for node in graph.node for name in node.output)
    for name in (
        *(name for node in graph.node for name in reads(node)),
        *(value.name for value in graph.output),
    ):
        if name not in own:
            yield name

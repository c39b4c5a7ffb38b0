"""The part of a graph behind one tensor, which can then be fed any value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

from inspector.errors import ModelError

__all__ = ["Cut", "cut", "leading_to"]


@dataclass(frozen=True)
class Cut:
    """A sub-model from `tensor` to the outputs asked for.

    Attributes:
        model: its inputs are `tensor`, then `boundary`; weights are inside.
        tensor: name of the tensor whose consumers were kept.
        boundary: the other tensors that the kept nodes read; none of them depends on `tensor`.
    """

    model: ModelProto
    tensor: str
    boundary: tuple[str, ...]


def cut(model: ModelProto, tensor: str, outputs: Sequence[str]) -> Cut:
    """Cut the main graph at a tensor.

    The nodes kept are those of the file itself, unchanged and in its order.

    Raises:
        ModelError: the main graph has no such tensor (inside a function, or a branch of an `If`, it has none).
    """
    graph = model.graph
    known = {value.name for value in graph.input} | {name for node in graph.node for name in node.output}
    for name in (tensor, *outputs):
        if name not in known:
            raise ModelError(f"the main graph computes no tensor '{name}'")

    dependent = {tensor}
    reached: list[NodeProto] = []
    for node in graph.node:
        if not dependent.isdisjoint(reads(node)):
            dependent.update(name for name in node.output if name)
            reached.append(node)
    needed = set(outputs) - {tensor}
    kept: list[NodeProto] = []
    for node in reversed(reached):
        if not needed.isdisjoint(node.output):
            needed.update(reads(node))
            kept.append(node)
    kept.reverse()

    made = {name for node in kept for name in node.output}
    boundary = tuple(sorted(needed - made - {tensor, ""} - _weights(graph)))
    return Cut(_part(model, kept, (tensor, *boundary), outputs), tensor, boundary)


def leading_to(model: ModelProto, tensors: Sequence[str]) -> ModelProto:
    """The part of the main graph that computes some tensors from the model's inputs."""
    needed = set(tensors)
    kept: list[NodeProto] = []
    for node in reversed(model.graph.node):
        if not needed.isdisjoint(node.output):
            needed.update(reads(node))
            kept.append(node)
    kept.reverse()
    inputs = [value.name for value in model.graph.input if value.name in needed - _weights(model.graph)]
    return _part(model, kept, inputs, tensors)


def _weights(graph: GraphProto) -> set[str]:
    return {w.name for w in graph.initializer} | {w.values.name for w in graph.sparse_initializer}


def _part(
    model: ModelProto, nodes: Sequence[NodeProto], inputs: Sequence[str], outputs: Sequence[str]
) -> ModelProto:
    graph = model.graph
    annotations = {v.name: v for v in (*graph.value_info, *graph.output, *graph.input)}
    read = {name for node in nodes for name in reads(node)} | set(outputs)
    part = ModelProto()
    part.ir_version = model.ir_version
    part.opset_import.extend(model.opset_import)
    part.functions.extend(model.functions)
    part.graph.name = "part"
    part.graph.input.extend(annotations.get(name) or ValueInfoProto(name=name) for name in inputs)
    part.graph.output.extend(ValueInfoProto(name=name) for name in outputs)
    part.graph.node.extend(nodes)
    part.graph.initializer.extend(w for w in graph.initializer if w.name in read)
    part.graph.sparse_initializer.extend(w for w in graph.sparse_initializer if w.values.name in read)
    return part


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

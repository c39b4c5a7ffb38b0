"""Models whose inputs and outputs are all tensors: sequences are taken apart at the edge of the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TypeProto, helper

__all__ = ["Array", "floating", "is_floating", "of_tensors"]

Array = NDArray[Any]


def of_tensors(
    model: ModelProto, inputs: Sequence[Any], outputs: Sequence[Any]
) -> tuple[ModelProto, dict[str, Array]]:
    """`model` with `SequenceConstruct` and `Optional` nodes before it, `SequenceAt` and `OptionalGetElement` behind it.

    Args:
        model: of any number of nodes; it is not changed.
        inputs, outputs: a value of each, as the standard's cases give them: arrays, lists of arrays, or None.

    Returns:
        The model of tensors, and a value of each of its inputs.
    """
    copy = ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    declared = list(graph.input)
    del graph.input[:]
    feeds: dict[str, Array] = {}
    before: list[Any] = []
    for info, value in zip(declared, inputs, strict=False):
        before += _assemble(graph, info.name, info.type, value, feeds)
    wanted = list(graph.output)
    del graph.output[:]
    behind: list[Any] = []
    for info, value in zip(wanted, outputs, strict=False):
        behind += _take_apart(graph, info.name, info.type, value)
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*before, *nodes, *behind])
    return copy, feeds


def _assemble(graph: Any, name: str, kind: TypeProto, value: Any, feeds: dict[str, Array]) -> list[Any]:
    """Nodes that make `name`, of type `kind` and with this value, from tensors that become inputs."""
    if kind.HasField("tensor_type"):
        graph.input.append(helper.make_value_info(name, kind))
        feeds[name] = np.asarray(value)
        return []
    if kind.HasField("optional_type"):
        inner = kind.optional_type.elem_type
        if value is None:
            return [helper.make_node("Optional", [], [name], type=inner)]
        inside = f"{name}.inside"
        return [
            *_assemble(graph, inside, inner, value, feeds),
            helper.make_node("Optional", [inside], [name]),
        ]
    element = kind.sequence_type.elem_type
    parts = [f"{name}.{place}" for place in range(len(value))]
    if not parts:
        return [helper.make_node("SequenceEmpty", [], [name], dtype=element.tensor_type.elem_type)]
    nodes: list[Any] = []
    for part, array in zip(parts, value, strict=True):
        typed = helper.make_tensor_type_proto(element.tensor_type.elem_type, np.shape(array))
        nodes += _assemble(graph, part, typed, array, feeds)
    return [*nodes, helper.make_node("SequenceConstruct", parts, [name])]


def _take_apart(graph: Any, name: str, kind: TypeProto, value: Any) -> list[Any]:
    """Nodes that read the tensors inside `name`, which become outputs."""
    if kind.HasField("tensor_type"):
        graph.output.append(helper.make_value_info(name, kind))
        return []
    if kind.HasField("optional_type"):
        if value is None:
            return []
        inside = f"{name}.inside"
        node = helper.make_node("OptionalGetElement", [name], [inside])
        return [node, *_take_apart(graph, inside, kind.optional_type.elem_type, value)]
    element = kind.sequence_type.elem_type.tensor_type.elem_type
    nodes: list[Any] = []
    for place, array in enumerate(value):
        index = f"{name}.place.{place}"
        constant = helper.make_node("Constant", [], [index], value_int=place)
        nodes += [constant, helper.make_node("SequenceAt", [name, index], [f"{name}.{place}"])]
        graph.output.append(helper.make_tensor_value_info(f"{name}.{place}", element, np.shape(array)))
    return nodes


def is_floating(array: Array) -> bool:
    """Whether a derivative can be taken by it; eight bits are too few to move in."""
    return array.dtype.name in ("float16", "bfloat16", "float32", "float64")


def floating(feeds: Mapping[str, Array]) -> list[str]:
    """Names of what `is_floating`."""
    return [name for name, array in feeds.items() if is_floating(array)]

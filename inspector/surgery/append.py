"""Continuing a graph with another one."""

from __future__ import annotations

import onnx_ir as ir

from inspector.errors import ModelError
from inspector.surgery.copying import copy

__all__ = ["append", "join"]


def append(model: ir.Model, fragment: ir.Model) -> ir.Model:
    """The model continued by `fragment`, whose inputs bind by name to the model's tensors.

    Inputs of the fragment that name no tensor of the model become inputs of the result, and its outputs
    become further outputs. Both keep their names. Raises ModelError where a result, an initializer or an
    operator set of the fragment clashes with one of the model.
    """
    model = copy(model)
    join(model.graph, copy(fragment).graph)
    return model


def join(graph: ir.Graph, piece: ir.Graph) -> None:
    """`append` in place: `graph` takes over all that `piece` holds."""
    for domain, version in piece.opset_imports.items():
        if graph.opset_imports.setdefault(domain, version) != version:
            raise ModelError(
                f"cannot join graphs of opset {graph.opset_imports[domain]} and {version} (domain {domain!r})"
            )
    tensors = ir.convenience.create_value_mapping(graph)
    added = ir.convenience.create_value_mapping(piece)
    clash = sorted(tensors.keys() & added.keys() - {value.name for value in piece.inputs})
    if clash:
        raise ModelError(f"both graphs have a tensor named {clash[0]!r}; rename one")

    outputs = list(piece.outputs)
    inputs = list(piece.inputs)
    nodes = list(piece)
    weights = list(piece.initializers.values())
    piece.inputs.clear()
    piece.outputs.clear()
    piece.initializers.clear()
    piece.remove(nodes)
    for weight in weights:
        graph.register_initializer(weight)
    for value in inputs:
        if value.name in tensors:
            ir.convenience.replace_all_uses_with(value, tensors[value.name])
        else:
            graph.inputs.append(value)
    graph.extend(nodes)
    graph.outputs.extend(tensors.get(output.name or "", output) for output in outputs)

"""The part of a graph between two sets of tensors."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from inspector.errors import ModelError
from inspector.surgery.lookup import ancestors, find_value

__all__ = ["extract"]


def extract(model: ir.Model, inputs: Sequence[str], outputs: Sequence[str]) -> ir.Model:
    """A model that computes `outputs` from `inputs`, which may be any tensors of the graph.

    Inputs of the original model that the part also reads become inputs too, after those named.
    Raises LayerNotFound for an unknown name, ModelError where one is named twice.
    """
    for names in (inputs, outputs):
        if len(set(names)) != len(names):
            raise ModelError(f"a tensor is named twice: {', '.join(names)}")
    graph = model.graph
    cut = [find_value(graph, name) for name in inputs]
    goals = [find_value(graph, name) for name in outputs]
    needed = ancestors(goals, stop=set(cut))
    cut += [value for value in graph.inputs if value in needed and value not in set(cut)]
    part = ir.convenience.extract(graph, cut, goals)
    for value in part.inputs:
        # a weight that becomes an input no longer has a value of its own
        part.initializers.pop(value.name or "", None)
        value.const_value = None
    return ir.Model(
        part,
        ir_version=model.ir_version,
        producer_name=model.producer_name,
        producer_version=model.producer_version,
        functions=[function.clone() for function in model.functions.values()],
        metadata_props=dict(model.metadata_props),
    )

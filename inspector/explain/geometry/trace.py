"""Which axis of which tensor counts what: a walk through the graph for inputs of one given size.

What keeps positions apart hands them on (element-wise operators, products with weights, attention to its queries,
reshapes and transposes); convolution and pooling lay a new grid over the same axes; anything else ends the trail.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from inspector.explain.geometry.axes import Axes, axis_size, other
from inspector.explain.geometry.rules import RULES, Step, same_shape

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["trace_axes"]

# what happens in their bodies is not looked at
_BODIES = frozenset(("If", "Loop", "Scan"))


def trace_axes(
    graph: ir.Graph, shapes: Mapping[str, tuple[int, ...]], sources: Mapping[str, Axes]
) -> dict[str, Axes]:
    """Tensor name -> its axes, of every tensor of known shape that depends on one of `sources`."""
    known: dict[str, Axes] = dict(sources)
    for node in graph:
        step = Step(node, shapes, known)
        if not any(value is not None and value.name in known for value in node.inputs):
            continue
        if node.op_type in _BODIES:
            continue
        rule = RULES.get(node.op_type, same_shape)
        for place, value in enumerate(node.outputs):
            shape = shapes.get(str(value.name))
            if not value.name or shape is None or value.name in known:
                continue
            found = rule(step, place, shape)
            # a rule that misses an operator's fine print must not invent axes
            fits = found is not None and tuple(map(axis_size, found)) == tuple(shape)
            known[value.name] = found if found is not None and fits else tuple(map(other, shape))
    return known

"""The size of a picture that a file leaves open, deduced from what it fixes: position embeddings, dense layers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from inspector.model.propagate import propagate

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["ANY_SIDE", "contradiction", "fitting_side"]

# sides of a picture where the file leaves them open and no input is at hand
ANY_SIDE = 224
# of the models that there are, the most common first; then what patches of 16 and of 14 pixels make
_COMMON: tuple[int, ...] = (
    384,
    256,
    448,
    336,
    518,
    512,
    640,
    192,
    128,
    96,
    64,
    32,
    28,
    299,
    240,
    260,
    300,
    380,
    456,
    528,
    600,
)
SIDES: tuple[int, ...] = tuple(
    dict.fromkeys((*_COMMON, *range(16, 1041, 16), *range(14, 785, 14), *range(40, 401, 8)))
)
# these join what the picture's size decides with what the file holds
_JOINS = frozenset(("Add", "Concat", "Div", "Gemm", "MatMul", "Mul", "Reshape", "Sub", "Where"))


def contradiction(graph: ir.Graph, shapes: Mapping[str, tuple[int, ...]]) -> ir.Node | None:
    """The first node that reads tensors of known shapes which do not fit each other."""
    for node in graph:
        if node.op_type not in _JOINS or node.domain != "":
            continue
        given = [shapes.get(str(value.name)) for value in node.inputs if value is not None]
        if None in given:
            continue
        if str(node.outputs[0].name) not in shapes or not _fits(node, shapes):
            return node
    return None


def _fits(node: ir.Node, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """What shape inference does not ask: the inner sizes of a Gemm, the number of elements of a Reshape."""
    given = [shapes[str(value.name)] for value in node.inputs[:2] if value is not None]
    if node.op_type == "Reshape":
        return math.prod(given[0]) == math.prod(shapes[str(node.outputs[0].name)])
    if node.op_type == "Gemm":
        inner = given[0][0 if node.attributes.get_int("transA", 0) else -1]
        return inner == given[1][-1 if node.attributes.get_int("transB", 0) else 0]
    return True


def fitting_side(
    model: ir.Model, sizes: Mapping[str, tuple[int, ...]], image: str, axes: Sequence[int], at: ir.Node
) -> int | None:
    """The side of square pictures for which the tensors that `at` reads fit each other; None where none is found.

    Args:
        model: to look at.
        sizes: of all inputs.
        image: the input whose size is open.
        axes: of it, that are open.
        at: where the sizes contradict each other.
    """
    from inspector.surgery import extract

    result = str(at.outputs[0].name)
    # only what leads there is walked through again and again
    part = extract(model, [], [result])
    for side in SIDES:
        tried = tuple(side if axis in axes else size for axis, size in enumerate(sizes[image]))
        shapes = propagate(part, {**sizes, image: tried})
        if result in shapes and contradiction(part.graph, shapes) is None:
            return side
    return None

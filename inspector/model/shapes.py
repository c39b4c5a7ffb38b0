"""Shapes of all tensors, dynamic dimensions by their names."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from inspector.model.propagate import follow_types, infer_types, propagate
from inspector.model.runtime_types import ask_runtime

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["complete_shapes"]

Shapes = dict[str, tuple[int, ...]]
"""By the names of the tensors."""


def complete_shapes(model: ir.Model) -> None:
    """Fill in, in place, every element type and shape that can be inferred.

    `onnx.shape_inference` stops where a shape is computed from a dynamic dimension (Shape -> Gather -> Reshape), and at
    operators of other domains. The second onnxruntime knows; the first can be computed with numbers in place of the
    dynamic dimensions: what comes out for two different sets of numbers tells which dimensions are static and which
    equal a named one.
    """
    infer_types(model)
    if any(value.type is None for value in _results(model)):
        ask_runtime(model)
        follow_types(model)
    names = _dynamic(model)
    if all(_is_known(value, names) for value in _results(model)):
        return
    # multiples of 32, so that networks which halve and double a picture's sides come out even
    first = {name: 32 * (61 + 2 * place) for place, name in enumerate(names)}
    second = {name: 32 * (167 + 6 * place) for place, name in enumerate(names)}
    found = [_infer_with(model, sizes) for sizes in (first, second)]
    depend = _depend_on_lengths_of_one(model, *found)
    for value in _results(model):
        if _is_known(value, names) or value in depend:
            continue
        a, b = (shapes.get(str(value.name)) for shapes in found)
        if a is not None and b is not None and len(a) == len(b):
            _fill(value, a, b, first, second)


def _depend_on_lengths_of_one(model: ir.Model, *found: Shapes) -> set[ir.Value]:
    """What follows from a Squeeze that names no axes of a tensor with dynamic ones.

    It drops those of length 1 in a run (a batch of one), which none of the sizes tried has.
    """
    dependent: set[ir.Value] = set()
    for node in model.graph:
        read = node.inputs[0] if node.inputs else None
        squeezes = (
            read is not None
            and (node.domain, node.op_type) == ("", "Squeeze")
            and "axes" not in node.attributes
            and (len(node.inputs) < 2 or node.inputs[1] is None)
            and len({shapes.get(str(read.name)) for shapes in found}) > 1
        )
        if squeezes or any(value in dependent for value in node.inputs):
            dependent.update(node.outputs)
    return dependent


def _fill(
    value: ir.Value, a: tuple[int, ...], b: tuple[int, ...], first: dict[str, int], second: dict[str, int]
) -> None:
    import onnx_ir as ir

    dims: list[int | str | None] = []
    for one, other in zip(a, b, strict=True):
        same = (name for name in first if first[name] == one and second[name] == other)
        dims.append(one if one == other else next(same, None))
    if value.shape is not None and len(value.shape) == len(dims):
        given = [dim if isinstance(dim, int) else dim.value for dim in value.shape]
        dims = [
            old if isinstance(old, int) or new is None else new for old, new in zip(given, dims, strict=True)
        ]
    value.shape = ir.Shape(dims)


def _infer_with(model: ir.Model, sizes: dict[str, int]) -> Shapes:
    """Shapes that are fully known once the dynamic dimensions of the inputs are set to `sizes`."""
    shapes = {}
    for position, value in enumerate(model.graph.inputs):
        if value.shape is not None:
            shapes[str(value.name)] = tuple(
                dim if isinstance(dim, int) else sizes[_key(dim.value, position, axis)]
                for axis, dim in enumerate(value.shape)
            )
    return propagate(model, shapes)


def _dynamic(model: ir.Model) -> list[str]:
    """The dynamic dimensions of the inputs, each name once."""
    return list(
        dict.fromkeys(
            _key(dim.value, position, axis)
            for position, value in enumerate(model.graph.inputs)
            for axis, dim in enumerate(value.shape or ())
            if not isinstance(dim, int)
        )
    )


def _key(name: str | None, position: int, axis: int) -> str:
    # an unnamed dimension is nobody else's
    return name or f"input {position} axis {axis}"


def _results(model: ir.Model) -> Iterator[ir.Value]:
    for node in model.graph:
        yield from (value for value in node.outputs if value.name)


def _is_known(value: ir.Value, names: Collection[str]) -> bool:
    """Static, or dynamic by the name of an input's dimension: inference and exporters make names up for the rest."""
    return value.shape is not None and all(isinstance(dim, int) or dim.value in names for dim in value.shape)

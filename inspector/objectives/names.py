"""Names of tensors that an objective and a gradient add, kept free in a model that has them already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from inspector.errors import ModelError

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["clear_names"]

RESERVED = ("target.", "cotangent.", "gradient.")


def clear_names(model: ir.Model, kept: Sequence[str]) -> None:
    """Rename, in place, what is called like the tensors that an objective and a gradient add (an explained model's).

    Raises:
        ModelError: a tensor that is asked for is called so.
    """
    graph = model.graph
    results = (value for node in graph.all_nodes() for value in node.outputs)
    values = [*graph.initializers.values(), *results]
    taken = {value.name for value in (*graph.inputs, *values)}
    for value in values:
        if value.name is None or not value.name.startswith(RESERVED):
            continue
        if value.name in kept:
            raise ModelError(
                f"the tensor '{value.name}' is called like those that a gradient adds: rename it in the model first"
            )
        name = f"model/{value.name}"
        while name in taken:
            name += "_"
        value.name = name
        taken.add(name)

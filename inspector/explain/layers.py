"""What a target depends on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["leads_to"]


def leads_to(model: ir.Model, targets: Sequence[str]) -> set[str]:
    """Names of the tensors that `targets` depend on, these included."""
    from inspector.surgery.lookup import ancestors, find_value

    graph = model.graph
    return {str(value.name) for value in ancestors([find_value(graph, name) for name in targets])}

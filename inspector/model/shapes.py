"""Shapes of all tensors, dynamic dimensions by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["complete_shapes"]


def complete_shapes(model: ir.Model) -> None:
    """Fill in, in place, every shape that can be inferred."""
    from onnx_ir.passes.common import ShapeInferencePass

    ShapeInferencePass(check_type=False, strict_mode=False, data_prop=True)(model)

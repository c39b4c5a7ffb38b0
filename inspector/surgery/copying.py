"""A copy to edit."""

from __future__ import annotations

import onnx_ir as ir

__all__ = ["copy"]


def copy(model: ir.Model) -> ir.Model:
    """A copy whose graph can be edited freely; the weights' bytes are shared, not copied."""
    return model.clone()

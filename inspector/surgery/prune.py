"""Removing what no output needs."""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.passes.common import RemoveUnusedNodesPass

from inspector.surgery.copying import copy

__all__ = ["prune"]


def prune(model: ir.Model) -> ir.Model:
    """The model without the nodes and initializers that no output depends on; inputs and outputs stay."""
    return RemoveUnusedNodesPass()(copy(model)).model

"""Quantised and fused operators by standard differentiable ones: ONNX in, ONNX out."""

from __future__ import annotations

from inspector.autodiff.lowering.lower import Lowered, lower

__all__ = ["Lowered", "lower"]

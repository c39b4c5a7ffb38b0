"""Gradients of ONNX graphs as ONNX graphs.

`vjp` is the engine, `RULES` the derivative of each operator. Terms: a *primal* is a tensor of the forward
graph; its *cotangent* is the derivative of the objective with respect to it; a *pullback* (or vjp) takes
the cotangents of a node's outputs to cotangents of its inputs; a *residual* is a primal that it reads.
"""

from __future__ import annotations

from inspector.autodiff.engine import add_vjp, vjp
from inspector.autodiff.table import RULES, RuleTable

__all__ = ["RULES", "RuleTable", "add_vjp", "vjp"]

"""Operators that runtimes fuse, decomposed: one file per family, each ending in a table."""

from __future__ import annotations

from inspector.autodiff.lowering.fused import (
    activations,
    attention,
    grouped,
    moves,
    normalisation,
    products,
    rotary,
)

__all__ = ["activations", "attention", "grouped", "moves", "normalisation", "products", "rotary"]

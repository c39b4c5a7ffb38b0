"""What operators on integers mean: one file per family, each ending in a table."""

from __future__ import annotations

from inspector.autodiff.lowering.quantised import blocks, elementwise, fused, linear, products
from inspector.autodiff.lowering.quantised.moving import on_integers

__all__ = ["blocks", "elementwise", "fused", "linear", "on_integers", "products"]

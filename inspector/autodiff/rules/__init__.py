"""One file per family of operators; each ends in a literal table `RULES`, merged in `autodiff.table`."""

from __future__ import annotations

from inspector.autodiff.rules import (
    activations,
    convolution,
    elementwise,
    indexing,
    linear,
    movement,
    normalization,
    pooling,
    reduction,
    resizing,
    sampling,
)

__all__ = [
    "activations",
    "convolution",
    "elementwise",
    "indexing",
    "linear",
    "movement",
    "normalization",
    "pooling",
    "reduction",
    "resizing",
    "sampling",
]

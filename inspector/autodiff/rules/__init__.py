"""One file per family of operators; each ends in a literal table `RULES`, merged in `autodiff.table`."""

from __future__ import annotations

from inspector.autodiff.rules import (
    activations,
    attention,
    contraction,
    control_flow,
    convolution,
    elementwise,
    indexing,
    linear,
    movement,
    normalization,
    pooling,
    reduction,
    regions,
    resizing,
    sampling,
    scattering,
    sequences,
    spectral,
    unfolding,
)

__all__ = [
    "activations",
    "attention",
    "contraction",
    "control_flow",
    "convolution",
    "elementwise",
    "indexing",
    "linear",
    "movement",
    "normalization",
    "pooling",
    "reduction",
    "regions",
    "resizing",
    "sampling",
    "scattering",
    "sequences",
    "spectral",
    "unfolding",
]

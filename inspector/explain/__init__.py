"""Heatmaps and images that explain a model."""

from __future__ import annotations

from inspector.explain.activations import collect_activations
from inspector.explain.ascent import maximize
from inspector.explain.checking import check_gradient
from inspector.explain.explanation import Explanation
from inspector.explain.heatmap import explain, find_method
from inspector.explain.layers import default_layer, input_layout, spatial_maps
from inspector.explain.methods import METHODS, Method
from inspector.explain.upsample import upsample

__all__ = [
    "METHODS",
    "Explanation",
    "Method",
    "check_gradient",
    "collect_activations",
    "default_layer",
    "explain",
    "find_method",
    "input_layout",
    "maximize",
    "spatial_maps",
    "upsample",
]

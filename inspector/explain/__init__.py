"""Heatmaps and images that explain a model."""

from __future__ import annotations

from inspector.explain.activations import collect_activations
from inspector.explain.ascent import maximize
from inspector.explain.checking import check_gradient
from inspector.explain.choice import Choice
from inspector.explain.explanation import Explanation
from inspector.explain.geometry import input_layout
from inspector.explain.heatmap import explain, find_method
from inspector.explain.methods import METHODS, Method
from inspector.explain.targeted import default_choice
from inspector.explain.upsample import upsample

__all__ = [
    "METHODS",
    "Choice",
    "Explanation",
    "Method",
    "check_gradient",
    "collect_activations",
    "default_choice",
    "explain",
    "find_method",
    "input_layout",
    "maximize",
    "upsample",
]

"""Heatmaps and images that explain a model."""

from __future__ import annotations

from inspector.explain.activations import collect_activations
from inspector.explain.checking import check_gradient
from inspector.explain.choice import Choice
from inspector.explain.explanation import Explanation
from inspector.explain.geometry import input_layout
from inspector.explain.heatmap import explain
from inspector.explain.merging import Merge
from inspector.explain.method import Method
from inspector.explain.methods import FAMILIES, METHODS, find_method
from inspector.explain.subject import BATCH, Subject
from inspector.explain.targeted import default_choice
from inspector.explain.upsample import upsample

__all__ = [
    "BATCH",
    "FAMILIES",
    "METHODS",
    "Choice",
    "Explanation",
    "Merge",
    "Method",
    "Subject",
    "check_gradient",
    "collect_activations",
    "default_choice",
    "explain",
    "find_method",
    "input_layout",
    "upsample",
]

"""Loading ONNX models, and naming what is in them."""

from __future__ import annotations

from inspector.model.layer import FLOATS, Dim, Layer, TensorInfo, shape_text
from inspector.model.layout import channel_axis, spatial_axes
from inspector.model.metadata import HEATMAP, InputSpec, Metadata, OutputSpec, read_metadata
from inspector.model.model import Model, load
from inspector.model.resolve import resolve_layer, resolve_layers

__all__ = [
    "FLOATS",
    "HEATMAP",
    "Dim",
    "InputSpec",
    "Layer",
    "Metadata",
    "Model",
    "OutputSpec",
    "TensorInfo",
    "channel_axis",
    "load",
    "read_metadata",
    "resolve_layer",
    "resolve_layers",
    "shape_text",
    "spatial_axes",
]

"""What an exported file says about itself: `metadata_props` with JSON values under the prefix `onnxlens.`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from export.errors import ExportError

__all__ = ["PREFIX", "encode_metadata", "layer_kind"]

PREFIX = "onnxlens."

# class names of PyTorch and Keras -> the names in the report
_KINDS = {
    "BatchNorm": "Batch Normalization",
    "BatchNormalization": "Batch Normalization",
    "Conv": "Convolution",
    "ConvTranspose": "Transposed Convolution",
    "DepthwiseConv": "Depthwise Convolution",
    "SeparableConv": "Separable Convolution",
    "MaxPool": "Max Pooling",
    "MaxPooling": "Max Pooling",
    "AvgPool": "Average Pooling",
    "AveragePooling": "Average Pooling",
    "AdaptiveAvgPool": "Adaptive Average Pooling",
    "AdaptiveMaxPool": "Adaptive Max Pooling",
    "GlobalAveragePooling": "Global Average Pooling",
    "GlobalMaxPooling": "Global Max Pooling",
    "Linear": "Dense",
}
_NO_DIMENSION = {"Batch Normalization"}


def layer_kind(class_name: str) -> str:
    """A readable kind for a layer's class: `Conv2d` and `Conv2D` are both `Convolution 2D`."""
    match = re.fullmatch(r"(.+?)([123])[dD](Transpose)?", class_name)
    if match:
        base, size = match[1] + (match[3] or ""), f" {match[2]}D"
        kind = _KINDS.get(base, _spaced(base))
        return kind if kind in _NO_DIMENSION else kind + size
    return _KINDS.get(class_name, _spaced(class_name))


def _spaced(name: str) -> str:
    if name.isupper() or name in ("ReLU", "PReLU", "LeakyReLU", "SiLU", "GELU"):
        return name
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)


def encode_metadata(
    given: Mapping[str, Any] | None, framework: Mapping[str, str], kinds: Mapping[str, str]
) -> dict[str, str]:
    """The file's `metadata_props`.

    `given` has keys without the prefix and JSON-serialisable values; `framework` and the taps' `layers` are added,
    where `given` names a layer's kind that one is kept. Raises ExportError for what JSON cannot hold.
    """
    values: dict[str, Any] = dict(given or {})
    layers = values.get("layers") or {}
    if not isinstance(layers, Mapping):
        raise ExportError(f"metadata 'layers' must be a dict of tap -> kind, not {type(layers).__name__}")
    values["framework"] = dict(framework)
    values["layers"] = {**kinds, **layers}
    if not values["layers"]:
        del values["layers"]
    encoded = {}
    for key, value in values.items():
        if not isinstance(key, str):
            raise ExportError(f"metadata keys must be text, not {key!r}")
        try:
            encoded[PREFIX + key.removeprefix(PREFIX)] = json.dumps(
                value, ensure_ascii=False, allow_nan=False
            )
        except (TypeError, ValueError) as error:
            raise ExportError(f"metadata {key!r} cannot be written as JSON: {error}") from error
    return encoded

"""What an ONNX file says about itself in `metadata_props`: keys `onnxlens.*`, values JSON. All of it is optional."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inspector.errors import ModelError

__all__ = ["HEATMAP", "InputSpec", "Metadata", "OutputSpec", "read_metadata"]

PREFIX = "onnxlens."
HEATMAP = "heatmap"
"""The output of a file that explains itself."""


@dataclass(frozen=True)
class InputSpec:
    """How a picture becomes the model's input: `value = (pixel scaled to range - mean) / std`, per channel."""

    layout: str | None = None
    range: tuple[float, float] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    channels: str | None = None
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class OutputSpec:
    """The activation that the framework's model ends with (the file's output is its input), and the class names."""

    activation: str | None = None
    labels: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Metadata:
    """Everything read; empty where the file says nothing.

    `labels` maps an output's name to its class names; a bare list in the file belongs to the first output,
    held under the key `""`. `explanation` says what the heatmap of a file that explains itself shows.
    """

    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    layers: Mapping[str, str] = field(default_factory=dict)
    input: InputSpec | None = None
    outputs: Mapping[str, OutputSpec] = field(default_factory=dict)
    framework: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    explanation: Mapping[str, Any] = field(default_factory=dict)

    @property
    def beside_answers(self) -> frozenset[str]:
        """Outputs that hold no answer of the model's: layers shown as outputs, and the heatmap of an answer."""
        shown = frozenset(self.layers) - frozenset(self.outputs)
        return shown | {HEATMAP} if self.explanation else shown


def read_metadata(properties: Mapping[str, str]) -> Metadata:
    """Read the `onnxlens.*` entries among `properties` (those of other tools are left alone).

    Raises:
        ModelError: an entry is not JSON, or not of the shape it must have; names the entry.
    """
    values: dict[str, Any] = {}
    for key, text in properties.items():
        if key.startswith(PREFIX):
            try:
                values[key.removeprefix(PREFIX)] = json.loads(text)
            except json.JSONDecodeError as error:
                raise ModelError(f"the model's metadata entry '{key}' is not JSON: {error}") from None
    try:
        return Metadata(
            labels=_labels(values.get("labels") or {}),
            layers={str(tap): str(kind) for tap, kind in (values.get("layers") or {}).items()},
            input=_input(values["input"]) if values.get("input") else None,
            outputs={str(name): _output(given) for name, given in (values.get("outputs") or {}).items()},
            framework=dict(values.get("framework") or {}),
            training=dict(values.get("training") or {}),
            explanation=dict(values.get("explanation") or {}),
        )
    except (TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"the model's onnxlens metadata cannot be understood: {error}") from None


def _labels(given: Any) -> dict[str, tuple[str, ...]]:
    if isinstance(given, list):
        return {"": tuple(map(str, given))}
    return {str(output): tuple(map(str, names)) for output, names in given.items()}


def _input(given: Mapping[str, Any]) -> InputSpec:
    low_high = given.get("range")
    size = given.get("size")
    return InputSpec(
        layout=given.get("layout"),
        range=(float(low_high[0]), float(low_high[1])) if low_high else None,
        mean=tuple(map(float, given["mean"])) if given.get("mean") else None,
        std=tuple(map(float, given["std"])) if given.get("std") else None,
        channels=given.get("channels"),
        size=(int(size[0]), int(size[1])) if size else None,
    )


def _output(given: Mapping[str, Any]) -> OutputSpec:
    labels = given.get("labels")
    return OutputSpec(activation=given.get("activation"), labels=tuple(map(str, labels)) if labels else None)

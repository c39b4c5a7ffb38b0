"""What a model is, as data: layers, heads, losses, taps, input. Both frameworks build from the same value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

__all__ = ["BatchNorm", "Conv2D", "Dense", "Flatten", "Head", "Layer", "MaxPool", "ReLU", "Spec"]


@dataclass(frozen=True)
class Conv2D:
    """A `valid` convolution with stride 1 and a square kernel."""

    kind: ClassVar[str] = "Convolution 2D"
    name: str
    filters: int
    kernel: int


@dataclass(frozen=True)
class ReLU:
    """max(0, x)."""

    kind: ClassVar[str] = "ReLU"
    name: str


@dataclass(frozen=True)
class BatchNorm:
    """Per-channel normalisation (Ioffe & Szegedy 2015, algorithm 1); `momentum` is the share of the old average."""

    kind: ClassVar[str] = "Batch Normalization"
    name: str
    momentum: float = 0.9
    epsilon: float = 1e-3


@dataclass(frozen=True)
class MaxPool:
    """The maximum over non-overlapping squares of side `size`; an odd last row or column is dropped."""

    kind: ClassVar[str] = "Max Pooling 2D"
    name: str
    size: int


@dataclass(frozen=True)
class Flatten:
    """All axes but the batch in one, in the framework's own order."""

    kind: ClassVar[str] = "Flatten"
    name: str


@dataclass(frozen=True)
class Dense:
    """x @ kernel + bias."""

    kind: ClassVar[str] = "Dense"
    name: str
    units: int


Layer = Conv2D | ReLU | BatchNorm | MaxPool | Flatten | Dense


@dataclass(frozen=True)
class Head:
    """One output: the layers that follow the trunk (the last carries the output's name) and what its logits mean.

    A softmax head has one logit per label and categorical cross-entropy as its loss; a sigmoid head has one logit
    for two labels (label 0, label 1) and binary cross-entropy.
    """

    layers: tuple[Layer, ...]
    activation: Literal["softmax", "sigmoid"]
    labels: tuple[str, ...]

    @property
    def output(self) -> str:
        """The output's name."""
        return self.layers[-1].name

    @property
    def units(self) -> int:
        """Number of logits."""
        return len(self.labels) if self.activation == "softmax" else 1


@dataclass(frozen=True)
class Spec:
    """One model: a trunk that every head reads, the heads in output order, and the layers shown in the report."""

    name: str
    dataset: Literal["line", "mnist"]
    size: tuple[int, int]
    channels: str
    trunk: tuple[Layer, ...]
    heads: tuple[Head, ...]
    taps: tuple[str, ...]
    variant: str = "literal"

    @property
    def outputs(self) -> tuple[str, ...]:
        """Output names, in order."""
        return tuple(head.output for head in self.heads)

    @property
    def layers(self) -> dict[str, str]:
        """Tap name -> layer kind."""
        kinds = {layer.name: layer.kind for layer in self.trunk}
        return {tap: kinds[tap] for tap in self.taps}

    @property
    def labels(self) -> dict[str, list[str]]:
        """Output name -> class names."""
        return {head.output: list(head.labels) for head in self.heads}

    def input_metadata(self, layout: Literal["NCHW", "NHWC"]) -> dict[str, Any]:
        """How a picture becomes the `image` tensor: value = (pixel / 255 scaled to range - mean) / std."""
        count = len(self.channels)
        return {
            "layout": layout,
            "range": [0, 1],
            "mean": [0.0] * count,
            "std": [1.0] * count,
            "channels": self.channels,
            "size": list(self.size),
        }

    def output_metadata(self) -> dict[str, Any]:
        """Output name -> the activation its logits are meant for, and its labels."""
        return {
            head.output: {"activation": head.activation, "labels": list(head.labels)} for head in self.heads
        }

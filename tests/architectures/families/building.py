"""Models of `transformers` from their configuration classes, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
from torch import nn

from tests.architectures.torch_case import TorchCase, image
from tests.architectures.torch_truth import Score

__all__ = ["CLASSES", "RESNET", "VIT", "classifier", "model", "on_image"]

CLASSES = 10

VIT: dict[str, Any] = {
    "hidden_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "image_size": 64,
    "patch_size": 8,
}
RESNET: dict[str, Any] = {"embedding_size": 16, "hidden_sizes": [16, 32, 48, 64], "depths": [1, 1, 2, 1]}


def model(name: str, **options: Any) -> Callable[[], nn.Module]:
    """Builds `transformers.<name>` from its own configuration class, and (name, options) pairs among the options."""

    def build() -> nn.Module:
        transformers = import_module("transformers")
        given = {
            key: getattr(transformers, value[0])(**value[1]) if isinstance(value, tuple) else value
            for key, value in options.items()
        }
        kind = getattr(transformers, name)
        built: nn.Module = kind(kind.config_class(**given))
        return built

    return build


class Only(nn.Module):
    """A module that returns some of another's outputs, as files that people share do."""

    def __init__(self, module: nn.Module, outputs: tuple[str, ...]) -> None:
        super().__init__()
        self.module = module
        self.outputs = outputs

    def forward(self, pixel_values: torch.Tensor) -> dict[str, torch.Tensor]:
        """The chosen outputs by name."""
        result = self.module(pixel_values)
        return {name: result[name] for name in self.outputs}


def on_image(
    name: str, kind: str, size: int, outputs: tuple[str, ...], index: tuple[int | slice, ...], **options: Any
) -> TorchCase:
    """One that takes `pixel_values`; what is differentiated is of the first output."""
    build = model(kind, **options)
    return TorchCase(name, lambda: Only(build(), outputs), image(size), Score(outputs[0], index))


def classifier(name: str, kind: str, size: int, **options: Any) -> TorchCase:
    """One that returns `logits`, (N, classes)."""
    return on_image(name, kind, size, ("logits",), (3,), num_labels=CLASSES, **options)

"""Image classifiers of `transformers`, built from small configurations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from tests.architectures.torch_case import TorchCase, image
from tests.architectures.torch_truth import Score

__all__ = ["CLASSIFIERS"]

CLASSES = 10


def model(name: str, **options: Any) -> Callable[[], nn.Module]:
    """Builds `transformers.<name>` from its own configuration class with these options."""

    def build() -> nn.Module:
        import transformers

        kind = getattr(transformers, name)
        built: nn.Module = kind(kind.config_class(**options))
        return built

    return build


def classifier(name: str, kind: str, size: int, opset: int = 18, **options: Any) -> TorchCase:
    """One that returns `logits`, (N, classes)."""
    return TorchCase(
        name,
        model(kind, num_labels=CLASSES, **options),
        image(size),
        Score("logits", (3,)),
        opset=opset,
    )


VIT = {
    "hidden_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "image_size": 64,
    "patch_size": 8,
}

CLASSIFIERS = [
    classifier("ViT", "ViTForImageClassification", 64, **VIT),
    classifier(
        "ResNet",
        "ResNetForImageClassification",
        64,
        embedding_size=16,
        hidden_sizes=[32, 64, 96, 128],
        depths=[2, 2, 2, 2],
    ),
    classifier(
        "Swin",
        "SwinForImageClassification",
        64,
        image_size=64,
        patch_size=2,
        embed_dim=24,
        depths=[2, 2, 2],
        num_heads=[2, 4, 8],
        window_size=4,
    ),
]

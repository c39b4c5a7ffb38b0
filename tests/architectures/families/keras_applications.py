"""One member, the smallest, of every family of `keras.applications` that can be written."""

from __future__ import annotations

from tests.architectures.keras_case import KerasCase

__all__ = ["FAMILIES"]

FAMILIES = [
    KerasCase("ResNet50", 64),
    KerasCase("MobileNet", 64),
    KerasCase("DenseNet121", 64),
]

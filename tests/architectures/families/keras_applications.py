"""One member, the smallest, of every family of `keras.applications`. ConvNeXt too, which tf2onnx alone cannot write."""

from __future__ import annotations

from tests.architectures.keras_case import KerasCase
from tests.architectures.pictures import white

__all__ = ["FAMILIES"]

FAMILIES = [
    KerasCase("ResNet50", 64),
    KerasCase("MobileNet", 64),
    KerasCase("DenseNet121", 64),
    KerasCase("VGG16", 64),
    KerasCase("ResNet50V2", 64),
    KerasCase("Xception", 96),
    KerasCase("InceptionV3", 96),
    KerasCase("InceptionResNetV2", 96),
    KerasCase("MobileNetV2", 64),
    KerasCase("MobileNetV3Small", 96),
    KerasCase("EfficientNetB0", 64),
    KerasCase("EfficientNetV2B0", 64),
    KerasCase("NASNetMobile", 64),
    KerasCase("ConvNeXtTiny", 64),
    KerasCase("MobileNetV3Small", 96, opset=20),
    # no structure in the pictures, and no choice among them
    KerasCase("DenseNet121", 64, draw=white, draws=1, label="white noise"),
]

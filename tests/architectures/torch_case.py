"""One PyTorch architecture: built, settled, exported, inspected."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from export import export_torch
from inspector import Inspector, Target
from tests.architectures.draws import DRAWS, Array, first_steady
from tests.architectures.measure import compare, describe, explained
from tests.architectures.pictures import pictures
from tests.architectures.row import FORWARD, Row
from tests.architectures.torch_truth import Score, gradients, middle_layer, settle, wide_gradients

__all__ = ["TorchCase", "compare_file", "image", "measure", "tokens"]

Inputs = Callable[[int, int], dict[str, torch.Tensor]]
CALIBRATION = 12  # pictures that batch normalisation is fitted to


@dataclass(frozen=True)
class TorchCase:
    """An architecture in a small configuration.

    Attributes:
        name: the architecture.
        build: makes the module.
        inputs: random keyword arguments, given their number and a seed.
        score: what is differentiated, of its result.
        layer: a module whose result is compared too; None: the one half-way.
        opset: of the file.
        dynamic_batch: False for a module that fixes the batch that it is traced with.
    """

    name: str
    build: Callable[[], nn.Module]
    inputs: Inputs
    score: Score
    layer: str | None = None
    opset: int = 18
    dynamic_batch: bool = True

    def __str__(self) -> str:
        return f"{self.name}-{self.opset}".replace(" ", "_")

    def settled(self) -> nn.Module:
        """The module, in evaluation mode, with weights from a seed."""
        torch.manual_seed(0)
        return settle(self.build(), self.inputs(CALIBRATION, 0))


def image(size: int, channels: int = 3) -> Inputs:
    """Random pictures for `pixel_values`."""
    return lambda count, seed: {"pixel_values": torch.from_numpy(pictures(count, size, channels, seed))}


def tokens(length: int, vocabulary: int) -> Inputs:
    """Random sentences, whole, for `input_ids` and `attention_mask`."""

    def draw(count: int, seed: int) -> dict[str, torch.Tensor]:
        ids = torch.randint(1, vocabulary, (count, length), generator=torch.Generator().manual_seed(seed))
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}

    return draw


def measure(case: TorchCase, folder: Path, row: Row) -> None:
    """Fills in the row; raises whatever goes wrong on the way, with the row as far as it came."""
    started = time.monotonic()
    module, example = case.settled(), case.inputs(2, 0)
    row.input = tuple(next(iter(example.values())).shape[1:])
    row.layer = case.layer or middle_layer(module, example, case.score)
    path = folder / f"{case}.onnx"
    taps = [] if row.layer is None else [row.layer]
    row.forward = max(
        export_torch(
            module, example, path, taps, case.opset, tolerance=FORWARD, dynamic_batch=case.dynamic_batch
        ).values()
    )
    compare_file(case, module, path, row)
    row.seconds = time.monotonic() - started


def compare_file(case: TorchCase, module: nn.Module, path: Path, row: Row) -> None:
    """The file's gradients beside the module's; at the inputs alone where the row names no layer."""
    lens = Inspector(path, providers="cpu", threads=1)
    describe(row, lens)
    target = Target(case.score.output, index=case.score.index)
    row.score = str(target)
    draw = first_steady(
        (case.inputs(2, seed) for seed in range(DRAWS)),
        lambda x: gradients(module, x, case.score, row.layer),
        lambda x: wide_gradients(module, x, case.score, row.layer),
    )
    compare(row, lens, _feeds, target, draw)
    explained(row, lens, _feeds(draw.x), target)


def _feeds(example: dict[str, torch.Tensor]) -> dict[str, Array]:
    return {name: value.numpy() for name, value in example.items()}

"""Modules that `export_torch` refuses, each with what to do; nothing is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from export import ExportError, export_torch

pytestmark = pytest.mark.torch


def test_taps_off_the_path(tmp_path: Path) -> None:
    class Off(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.unused = nn.Linear(3, 3)
            self.dropped = nn.Linear(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            self.dropped(x)
            return x.relu()

    with pytest.raises(ExportError, match="'unused' is never called"):
        export_torch(Off(), torch.randn(2, 3), tmp_path / "m.onnx", ["unused"])
    with pytest.raises(ExportError, match="do not depend on 'dropped'"):
        export_torch(Off(), torch.randn(2, 3), tmp_path / "m.onnx", ["dropped"])
    assert not list(tmp_path.iterdir())


class Noisy(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.rand_like(x)


def test_a_file_that_differs_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    with pytest.raises(ExportError, match=r"output 'output' differs from the framework's by 0\.\d+"):
        export_torch(Noisy(), torch.randn(2, 3), path)
    assert not list(tmp_path.iterdir())
    path.write_text("older")
    with pytest.raises(ExportError, match="differs"):
        export_torch(Noisy(), torch.randn(2, 3), path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.onnx"]
    assert path.read_text() == "older"


def test_what_cannot_be_traced_is_said_in_one_line(tmp_path: Path) -> None:
    class Branching(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + 1 if x.sum() > 0 else x - 1

    class Fixed(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.reshape(1, 3) * 2

    with pytest.raises(ExportError, match="PyTorch cannot export this module"):
        export_torch(Branching(), torch.ones(2, 3), tmp_path / "m.onnx")
    with pytest.raises(ExportError, match="dynamic_batch=False"):
        export_torch(Fixed(), torch.ones(1, 3), tmp_path / "m.onnx")
    export_torch(Fixed(), torch.ones(1, 3), tmp_path / "m.onnx", dynamic_batch=False)


def test_a_module_that_fixes_its_batch_while_traced_is_told_how(tmp_path: Path) -> None:
    class Repeating(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([x[i : i + 1] for i in range(int(x.shape[0]))])

    with pytest.raises(ExportError, match="dynamic_batch=False"):
        export_torch(Repeating(), torch.ones(2, 3), tmp_path / "m.onnx")
    export_torch(Repeating(), torch.ones(2, 3), tmp_path / "m.onnx", dynamic_batch=False)

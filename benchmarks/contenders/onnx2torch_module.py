"""onnx2torch: a PyTorch module made of the ONNX file."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.contenders.pytorch import chosen, gradient_of
from benchmarks.networks.images import images
from benchmarks.work import Ready, Work

__all__ = ["forward", "gradient"]


def forward(work: Work) -> Ready:
    """onnx2torch's module."""
    module, x = _converted(work)

    def run() -> torch.Tensor:
        with torch.inference_mode():
            return chosen(module(x), work)

    return Ready(run)


def gradient(work: Work) -> Ready:
    """onnx2torch's module, differentiated by autograd."""
    module, x = _converted(work)
    return gradient_of(module, x, work)


def _converted(work: Work) -> tuple[Any, torch.Tensor]:
    from onnx2torch import convert

    torch.set_num_threads(work.threads)
    return convert(str(work.path("legacy"))).eval().requires_grad_(False), torch.from_numpy(images(work))

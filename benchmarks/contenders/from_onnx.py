"""Others that start from the ONNX file: onnx-ad, which transforms it, and onnx2torch, which makes a module of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from benchmarks.contenders.onnxruntime_plain import plain_session
from benchmarks.contenders.pytorch import gradient_of
from benchmarks.networks.images import images
from benchmarks.work import CLASS, Ready, Work

__all__ = ["forward", "gradient", "onnx_ad", "transformed"]


def transformed(work: Work) -> Any:
    """onnx-ad's graph with nothing but the gradient at the input as its output."""
    import onnx
    from onnx.utils import Extractor
    from onnx_ad import reverse

    model = reverse(onnx.load(work.static_file), layout="onnx")
    inputs = [each.name for each in model.graph.input]
    outputs = [each.name for each in model.graph.output if each.name.startswith("adj_")]
    return Extractor(model).extract_model(inputs, outputs)


def onnx_ad(work: Work) -> Ready:
    """Its reverse mode, run by onnxruntime."""
    model = transformed(work)
    session = plain_session(model.SerializeToString(), work.threads)
    image, seed = session.get_inputs()[0], session.get_inputs()[-1]
    shape = [each if isinstance(each, int) else 1 for each in seed.shape]
    seeds = np.zeros(shape, np.float32)
    seeds[:, CLASS] = 1
    feeds = {image.name: images(work), seed.name: seeds}
    name = session.get_outputs()[0].name
    return Ready(lambda: session.run([name], feeds)[0])


def forward(work: Work) -> Ready:
    """onnx2torch's module."""
    module, x = _converted(work)

    def run() -> torch.Tensor:
        with torch.inference_mode():
            found: torch.Tensor = module(x)
            return found

    return Ready(run)


def gradient(work: Work) -> Ready:
    """onnx2torch's module, differentiated by autograd."""
    module, x = _converted(work)
    return gradient_of(module, x, work)


def _converted(work: Work) -> tuple[Any, torch.Tensor]:
    from onnx2torch import convert

    torch.set_num_threads(work.threads)
    return convert(str(work.file)).eval().requires_grad_(False), torch.from_numpy(images(work))

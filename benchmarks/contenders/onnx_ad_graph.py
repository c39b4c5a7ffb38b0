"""onnx-ad: the ONNX file transformed to one that also gives its gradient. It takes fixed shapes only."""

from __future__ import annotations

import numpy as np

from benchmarks.contenders.onnxruntime_plain import plain_session
from benchmarks.networks.images import images
from benchmarks.work import CLASS, Ready, Work

__all__ = ["build", "gradient"]


def _transformed(work: Work) -> bytes:
    """Its graph with nothing but the gradient at the input as its output."""
    import onnx
    from onnx.utils import Extractor
    from onnx_ad import reverse

    model = reverse(onnx.load(work.path("fixed")), layout="onnx")
    inputs = [each.name for each in model.graph.input]
    outputs = [each.name for each in model.graph.output if each.name.startswith("adj_")]
    found: bytes = Extractor(model).extract_model(inputs, outputs).SerializeToString()
    return found


def gradient(work: Work) -> Ready:
    """Its reverse mode, run by onnxruntime."""
    session = plain_session(_transformed(work), work.threads)
    image, seed = session.get_inputs()[0], session.get_inputs()[-1]
    seeds = np.zeros([each if isinstance(each, int) else 1 for each in seed.shape], np.float32)
    seeds[:, CLASS] = 1
    feeds = {image.name: images(work), seed.name: seeds}
    name = session.get_outputs()[0].name
    # the number of seeds is a last axis
    return Ready(lambda: session.run([name], feeds)[0][..., 0])


def build(work: Work) -> Ready:
    """The transform, and a session."""

    def run() -> None:
        plain_session(_transformed(work), work.threads)

    return Ready(run)

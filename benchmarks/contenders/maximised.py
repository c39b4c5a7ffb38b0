"""Activation maximisation: 25 filters, 100 steps, beside the bare gradient session run as often."""

from __future__ import annotations

import numpy as np

from benchmarks.contenders.onnxruntime_plain import plain_session
from benchmarks.contenders.ours import opened
from benchmarks.networks.images import images
from benchmarks.work import Ready, Work

__all__ = ["FILTERS", "STEPS", "bare", "maximise"]

FILTERS, STEPS = 25, 100


def maximise(work: Work) -> Ready:
    """All filters together, from grey."""
    lens, layer, filters = opened(work), work.spec.filters, list(range(FILTERS))

    def run() -> None:
        lens.maximize(layer, filters, STEPS)

    return Ready(run)


def bare(work: Work) -> Ready:
    """The graph that `vjp` gives for the layer, and nothing around it."""
    import onnx
    from onnx.utils import Extractor

    from inspector.autodiff import vjp

    model, layer = onnx.load(work.path()), work.spec.filters
    image = model.graph.input[0].name
    whole = vjp(model, outputs=[layer], wrt=[image])
    cotangent = f"cotangent.{layer}"
    part = Extractor(whole).extract_model([image, cotangent], [f"gradient.{image}"])
    session = plain_session(part.SerializeToString(), work.threads)
    x = np.repeat(images(work)[:1], FILTERS, axis=0)
    shape = opened(work).activations(x[:1], [layer])[layer].shape[1:]
    feeds = {image: x, cotangent: np.full((FILTERS, *shape), 1e-3, np.float32)}

    def run() -> None:
        for _ in range(STEPS):
            session.run(None, feeds)

    return Ready(run)

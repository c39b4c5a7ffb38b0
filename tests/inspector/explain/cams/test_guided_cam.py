"""Guided Grad-CAM from its two halves, the guided one by autograd with the rectifier's rule replaced."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from inspector import Inspector
from tests.inspector.explain.cams.references import forward, gradient
from tests.inspector.graphs import cnn, images

torch = pytest.importorskip("torch")

X = images(2)
CLASSES = [1, 7]


class Guided(torch.autograd.Function):
    """ReLU that lets back only positive gradients, where its input was positive."""

    @staticmethod
    def forward(context: Any, x: torch.Tensor) -> torch.Tensor:
        context.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(context: Any, g: torch.Tensor) -> torch.Tensor:
        (x,) = context.saved_tensors
        return g.clamp(min=0) * (x > 0)


def test_guided_backpropagation_times_the_enlarged_map(monkeypatch: pytest.MonkeyPatch) -> None:
    explained = Inspector(cnn()).explain(X, "guided-gradcam", target=CLASSES, layer="max_pool")
    a, g = gradient(X, "max_pool", CLASSES)
    cam = np.maximum(np.einsum("nc,nchw->nhw", g.mean(axis=(2, 3)), a), 0)
    large = torch.nn.functional.interpolate(torch.tensor(cam)[:, None], size=(16, 16), mode="bilinear")[
        :, 0
    ].numpy()
    monkeypatch.setattr(torch, "relu", Guided.apply)
    x = torch.tensor(X.astype(float), requires_grad=True)
    (pulled,) = torch.autograd.grad(forward(x)["logits"][range(2), CLASSES].sum(), x)
    expected = large * pulled.sum(dim=1).numpy()
    np.testing.assert_allclose(explained.raw, expected, atol=1e-5 * np.abs(expected).max())
    assert explained.signed
    assert explained.raw.min() < 0
    assert explained.layer == "max_pool"

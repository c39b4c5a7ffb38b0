"""Guided Grad-CAM from its two halves, the guided one by autograd with the rectifier's rule replaced."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper

from inspector import Inspector
from tests.inspector.explain.cams.references import forward, gradient
from tests.inspector.graphs import cnn, images, model, normal

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


def test_without_a_rectifier_it_says_that_the_contours_are_the_gradients() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["maps"]),
        helper.make_node("GlobalAveragePool", ["maps"], ["pool"]),
        helper.make_node("Flatten", ["pool"], ["logits"]),
    ]
    lens = Inspector(model(nodes, {"x": ["n", 3, 8, 8]}, {"logits": ["n", 5]}, {"w": normal(5, 3, 3, 3)}))
    x = images(1, size=8)
    explained = lens.explain(x, "guided-gradcam", target=2)
    assert explained.notes == ["no ReLU leads to the target: the contours are the plain gradient's"]
    large = lens.explain(x, "gradcam", target=2).raw
    np.testing.assert_allclose(explained.raw, large * lens.gradient(x, 2).sum(axis=1), rtol=1e-5, atol=1e-7)

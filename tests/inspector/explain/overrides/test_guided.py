"""Guided backpropagation and the deconvnet against hooks on PyTorch's rectifiers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from onnx import helper

from inspector import Inspector
from tests.inspector.explain.rectified import CLASSES, X, functional, network, pulled_back, torch
from tests.inspector.graphs import model, normal


def guided(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A rectifier whose backward hook lets positive gradients pass only."""

    def apply(z: Any) -> Any:
        held = z * 1.0
        held.register_hook(lambda gradient: gradient.clamp(min=0))
        return function(held)

    return apply


class Deconv(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(context: Any, z: Any) -> Any:
        return z.clamp(min=0)

    @staticmethod
    def backward(context: Any, gradient: Any) -> Any:
        return gradient.clamp(min=0)


class Deconv6(Deconv):
    @staticmethod
    def forward(context: Any, z: Any) -> Any:
        return z.clamp(0, 6)


@pytest.mark.parametrize("batch", ["batch", 1])
def test_guided_backprop(batch: int | str) -> None:
    expected = pulled_back(guided(torch.relu), guided(functional.relu6))
    explained = Inspector(network(batch)).explain(X, "guided-backprop", target=CLASSES)
    np.testing.assert_allclose(
        explained.raw, np.abs(expected).max(axis=1), atol=1e-5 * np.abs(expected).max()
    )
    assert explained.notes == []
    assert explained.check is None


def test_deconvnet() -> None:
    expected = pulled_back(Deconv.apply, Deconv6.apply)
    explained = Inspector(network()).explain(X, "deconvnet", target=CLASSES)
    np.testing.assert_allclose(
        explained.raw, np.abs(expected).max(axis=1), atol=1e-5 * np.abs(expected).max()
    )


def test_a_rectifier_is_what_cuts_at_zero() -> None:
    """LeakyRelu keeps its derivative; the two rectifiers behind it are guided."""
    leaky = functional.leaky_relu
    expected = pulled_back(guided(torch.relu), guided(functional.relu6), first=lambda z: leaky(z, 0.01))
    explained = Inspector(network(first="LeakyRelu")).explain(X, "guided-backprop", target=CLASSES)
    np.testing.assert_allclose(
        explained.raw, np.abs(expected).max(axis=1), atol=1e-5 * np.abs(expected).max()
    )


@pytest.mark.parametrize("method", ["guided-backprop", "deconvnet"])
def test_a_model_without_a_rectifier_is_said_to_have_none(method: str) -> None:
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["maps"]),
        helper.make_node("Tanh", ["maps"], ["active"]),
        # cut off above 0: no rectifier
        helper.make_node("Clip", ["active", "low", "high"], ["clipped"]),
        helper.make_node("GlobalAveragePool", ["clipped"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["logits"]),
    ]
    bounds = {"low": np.array(-0.5, np.float32), "high": np.array(0.5, np.float32)}
    lens = Inspector(
        model(
            nodes,
            {"image": ["n", 3, 6, 6]},
            {"logits": ["n", 4]},
            {"w": normal(4, 3, 3, 3), **bounds},
        )
    )
    x = X[:, :, :6, :6]
    explained = lens.explain(x, method, target=1)
    np.testing.assert_array_equal(explained.raw, lens.explain(x, "saliency", target=1).raw)
    assert explained.notes == ["no ReLU leads to the target: this is the plain gradient, as of saliency"]

"""A network with two rectifiers, a maximum and two dense layers, in ONNX and in PyTorch, on 8 x 8 pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper

from tests.inspector.graphs import model, normal

torch = pytest.importorskip("torch")
functional = torch.nn.functional

Unary = Callable[[Any], Any]

WEIGHTS = {
    "w1": normal(4, 3, 3, 3, scale=0.5),
    "b1": normal(4, scale=0.3),
    "w2": normal(5, 4, 3, 3, scale=0.5, seed=1),
    "b2": normal(5, scale=0.3, seed=1),
    "w3": normal(6, 20, scale=0.5, seed=2),
    "b3": normal(6, scale=0.3, seed=2),
    "w4": normal(3, 6, scale=0.5, seed=3),
    "b4": normal(3, scale=0.3, seed=3),
}
X = np.random.default_rng(5).normal(size=(2, 3, 8, 8)).astype(np.float32)
CLASSES = [2, 0]


def network(
    batch: int | str = "batch", first: str = "Relu", biases: bool = True, bound: float = 6
) -> onnx.ModelProto:
    """`first` is the activation after the first convolution; the second is a ReLU6 (or cut at another `bound`), the
    third a Relu.
    """
    weights = {
        name: array if biases or name[0] == "w" else np.zeros_like(array) for name, array in WEIGHTS.items()
    }
    weights |= {"zero": np.array(0, np.float32), "six": np.array(bound, np.float32)}
    nodes = [
        helper.make_node("Conv", ["image", "w1", "b1"], ["conv1"]),
        helper.make_node(first, ["conv1"], ["active1"]),
        helper.make_node("Conv", ["active1", "w2", "b2"], ["conv2"]),
        helper.make_node("Clip", ["conv2", "zero", "six"], ["active2"]),
        helper.make_node("MaxPool", ["active2"], ["pooled"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w3", "b3"], ["dense"], transB=1),
        helper.make_node("Relu", ["dense"], ["active3"]),
        helper.make_node("Gemm", ["active3", "w4", "b4"], ["logits"], transB=1),
    ]
    return model(nodes, {"image": [batch, 3, 8, 8]}, {"logits": [batch, 3]}, weights)


def tensors(
    x: Any, relu: Unary = torch.relu, relu6: Unary = functional.relu6, first: Unary | None = None
) -> dict[str, Any]:
    """The same network's tensors in PyTorch, with these rectifiers."""
    w = {name: torch.tensor(array, dtype=x.dtype) for name, array in WEIGHTS.items()}
    found = {"image": x, "conv1": functional.conv2d(x, w["w1"], w["b1"])}
    found["active1"] = (first or relu)(found["conv1"])
    found["conv2"] = functional.conv2d(found["active1"], w["w2"], w["b2"])
    found["active2"] = relu6(found["conv2"])
    found["pooled"] = functional.max_pool2d(found["active2"], 2)
    found["dense"] = found["pooled"].flatten(1) @ w["w3"].T + w["b3"]
    found["active3"] = relu(found["dense"])
    found["logits"] = found["active3"] @ w["w4"].T + w["b4"]
    return found


def pulled_back(relu: Unary, relu6: Unary, first: Unary | None = None) -> NDArray[np.float64]:
    """The gradient of the scores of `CLASSES` at `X`, in float64, with these rectifiers."""
    x = torch.tensor(X, dtype=torch.float64, requires_grad=True)
    score = tensors(x, relu, relu6, first)["logits"][range(len(X)), CLASSES].sum()
    (gradient,) = torch.autograd.grad(score, x)
    return np.asarray(gradient)


def scores(x: NDArray[Any]) -> NDArray[np.float64]:
    """The scores of `CLASSES`, in float64."""
    return np.asarray(tensors(torch.tensor(x, dtype=torch.float64))["logits"][range(len(x)), CLASSES])


def gradients(x: NDArray[Any], layer: str = "image") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A layer's values and the gradients of the scores of `CLASSES` there, in float64."""
    found = tensors(torch.tensor(x, dtype=torch.float64, requires_grad=True))
    score = found["logits"][range(len(x)), CLASSES].sum()
    (gradient,) = torch.autograd.grad(score, found[layer])
    return np.asarray(found[layer].detach()), np.asarray(gradient)

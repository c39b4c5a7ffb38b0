"""LSTM, GRU and RNN beside torch: two layers, both directions, gradients at the input and at every weight."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from inspector.autodiff import vjp

from .case import Array
from .truth import Evaluator

STEPS, BATCH, INPUT, HIDDEN, LAYERS = 5, 2, 3, 4, 2

# where the gates of ONNX stand in torch's weights: i o f c in i f g o; z r h in r z n
ORDER = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}
MODULES = {"LSTM": torch.nn.LSTM, "GRU": torch.nn.GRU, "RNN": torch.nn.RNN}


def module(op: str) -> torch.nn.LSTM | torch.nn.GRU | torch.nn.RNN:
    torch.manual_seed(3)
    net: torch.nn.LSTM | torch.nn.GRU | torch.nn.RNN = MODULES[op](INPUT, HIDDEN, LAYERS, bidirectional=True)
    net.double()
    return net


def arranged(op: str, weight: torch.Tensor) -> Array:
    """A weight or bias of torch, its gates in ONNX's order."""
    gates = np.split(weight.detach().numpy(), len(ORDER[op]))
    return np.concatenate([gates[place] for place in ORDER[op]])


def stacked(op: str, net: torch.nn.Module, layer: int) -> dict[str, Array]:
    """The inputs W, R and B of the node of one layer."""

    def both(name: str) -> list[Array]:
        return [arranged(op, getattr(net, f"{name}_l{layer}{way}")) for way in ("", "_reverse")]

    bias = [np.concatenate(pair) for pair in zip(both("bias_ih"), both("bias_hh"), strict=True)]
    return {"W": np.stack(both("weight_ih")), "R": np.stack(both("weight_hh")), "B": np.stack(bias)}


def model_of(op: str, net: torch.nn.Module) -> onnx.ModelProto:
    nodes, weights, read = [], [], "x"
    for layer in range(LAYERS):
        own = {f"{name}{layer}": value for name, value in stacked(op, net, layer).items()}
        weights += [numpy_helper.from_array(value.astype(np.float32), name) for name, value in own.items()]
        options: dict[str, Any] = {"linear_before_reset": 1} if op == "GRU" else {}
        states = f"states{layer}"
        nodes += [
            helper.make_node(
                op, [read, *own], [states], hidden_size=HIDDEN, direction="bidirectional", **options
            ),
            helper.make_node("Transpose", [states], [f"beside{layer}"], perm=[0, 2, 1, 3]),
            helper.make_node("Reshape", [f"beside{layer}", "shape"], [f"y{layer}"]),
        ]
        read = f"y{layer}"
    weights.append(numpy_helper.from_array(np.array([0, 0, 2 * HIDDEN]), "shape"))
    graph = helper.make_graph(
        nodes,
        op,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["t", "n", INPUT])],
        [helper.make_tensor_value_info(read, TensorProto.FLOAT, ["t", "n", 2 * HIDDEN])],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


@pytest.mark.parametrize("op", list(MODULES))
def test_the_gradient_is_that_of_autograd(op: str) -> None:
    net = module(op)
    with torch.no_grad():
        # the model holds float32
        for weight in net.parameters():
            weight.copy_(weight.float().double())
    x = torch.randn(STEPS, BATCH, INPUT, dtype=torch.float64).float().double().requires_grad_()
    seed = torch.randn(STEPS, BATCH, 2 * HIDDEN, dtype=torch.float64).float().double()
    y, _ = net(x)
    y.backward(seed)

    weights = [f"{name}{layer}" for layer in range(LAYERS) for name in "WRB"]
    model = vjp(model_of(op, net), [f"y{LAYERS - 1}"], ["x", *weights])
    feeds = {"x": x.detach().numpy(), f"cotangent.y{LAYERS - 1}": seed.numpy()}
    names = ["y1", *(f"gradient.{name}" for name in ("x", *weights))]
    results = dict(zip(names, Evaluator(model).run(names, feeds), strict=True))
    assert x.grad is not None
    expected = {"y1": y.detach().numpy(), "gradient.x": x.grad.numpy()}
    for layer in range(LAYERS):
        for name, value in stacked(op, _gradients(net), layer).items():
            expected[f"gradient.{name}{layer}"] = value
    for name, value in expected.items():
        np.testing.assert_allclose(results[name], value, rtol=1e-10, atol=1e-12, err_msg=name)

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    single = session.run(names, {name: value.astype(np.float32) for name, value in feeds.items()})
    for name, value in zip(names, single, strict=True):
        difference = np.linalg.norm(value - expected[name]) / np.linalg.norm(expected[name])
        assert difference < 1e-5, name


def _gradients(net: torch.nn.Module) -> torch.nn.Module:
    """A module that holds the gradients of `net` in the place of its weights."""
    held = torch.nn.Module()
    for name, weight in net.named_parameters():
        assert weight.grad is not None
        held.register_buffer(name, weight.grad)
    return held

"""Convolutions at a stride, with the channels for which their transpose is written in forms of its own."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch.nn import functional

from inspector.autodiff import vjp

from .case import Array, normal

GEOMETRIES = [
    # kernel, stride, padding (before and after, rows and columns), sides
    ((3, 3), 2, (1, 1, 1, 1), (8, 8)),
    ((3, 3), 2, (1, 1, 1, 1), (7, 9)),
    ((3, 3), 2, (0, 0, 1, 1), (8, 7)),
    ((3, 3), 2, (2, 0, 1, 2), (9, 8)),
    ((2, 2), 2, (0, 0, 0, 0), (7, 8)),
    ((5, 4), 2, (2, 1, 2, 2), (10, 9)),
    ((7, 5), 3, (3, 2, 3, 2), (11, 12)),
    ((3, 4), 3, (1, 0, 0, 2), (10, 11)),
    ((1, 1), 2, (0, 0, 0, 0), (8, 8)),
    ((1, 1), 3, (0, 0, 0, 0), (8, 10)),
    # more padding than taps before the first element, and elements under no window
    ((3, 3), 2, (3, 3, 3, 3), (8, 8)),
    ((3, 3), 4, (0, 0, 0, 0), (12, 13)),
]


def network(w: Array, geometry: tuple, group: int, inside: bool) -> onnx.ModelProto:
    """A convolution at a stride, of the picture or of what another convolution has laid out."""
    _, stride, pads, sides = geometry
    channels = w.shape[1] * group
    nodes = [
        helper.make_node("Conv", ["x", "one"], ["before"], group=channels),
        helper.make_node("Relu", ["before"], ["positive"]),
        helper.make_node(
            "Conv", ["positive" if inside else "x", "w"], ["y"], strides=[stride] * 2, pads=pads, group=group
        ),
    ]
    graph = helper.make_graph(
        nodes if inside else nodes[2:],
        "strided",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", channels, *sides])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(w, "w"),
            numpy_helper.from_array(np.ones((channels, 1, 1, 1), np.float32), "one"),
        ],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return onnx.shape_inference.infer_shapes(proto)


@pytest.mark.parametrize("inside", [False, True], ids=["of the picture", "within"])
@pytest.mark.parametrize("group", [1, 32], ids=["dense", "each channel"])
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda g: f"{g[0]} by {g[1]} padded {g[2]} of {g[3]}")
def test_the_gradient_is_that_of_torch(geometry: tuple, group: int, inside: bool) -> None:
    kernel, stride, pads, sides = geometry
    w = normal(32, 32 // group, *kernel).astype(np.float32)
    x = normal(2, 32, *sides).astype(np.float32)
    top, left, bottom, right = pads
    exact = torch.tensor(x.astype(np.float64), requires_grad=True)
    seen = functional.pad(exact.relu() if inside else exact, (left, right, top, bottom))
    y = functional.conv2d(seen, torch.tensor(w.astype(np.float64)), stride=stride, groups=group)
    g = np.random.default_rng(3).normal(size=tuple(y.shape)).astype(np.float32)
    (expected,) = torch.autograd.grad(y, exact, torch.tensor(g.astype(np.float64)))

    graph = vjp(network(w, geometry, group, inside), ["y"], ["x"])
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    (ours,) = session.run(["gradient.x"], {"x": x, "cotangent.y": g})
    # an element sums at most so many products of random signs: their sum grows with the root of the number, and so
    # do the roundings of its parts
    products = 32 // group * kernel[0] * kernel[1]
    largest = float(np.abs(w).max()) * float(np.abs(g).max())
    bound = np.finfo(np.float32).eps * products * largest
    np.testing.assert_allclose(ours, expected.numpy(), rtol=0, atol=bound)

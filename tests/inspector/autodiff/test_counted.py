"""What the runtime makes of the gradient graphs of well-known networks must not grow.

Seconds depend on the machine, these numbers do not: a rule that forces maps out of the convolutions' layout, keeps a
convolution from being fused with its activation, or hands on more than it did, shows here.
The networks have the depth and the wiring of the originals and a quarter of their width, or less.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count as numbers
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from .counted import Counts, gradient_counts

Network = Callable[["Builder"], str]


class Builder:
    """A network under way; each method adds an operator and returns the name of what it gives."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.channels = {"x": 3}
        self._numbers = numbers()
        self._random = np.random.default_rng(0)

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind}_{next(self._numbers)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        self.channels[name] = self.channels[inputs[0]]
        return name

    def weight(self, array: np.ndarray) -> str:
        name = f"weight_{next(self._numbers)}"
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def conv(self, x: str, out: int, kernel: int = 3, stride: int = 1, group: int = 1) -> str:
        into = self.channels[x] // group
        kernels = self._random.standard_normal((out, into, kernel, kernel)) / np.sqrt(into * kernel**2)
        inputs = [x, self.weight(kernels.astype(np.float32)), self.weight(np.zeros(out, np.float32))]
        y = self.op("Conv", *inputs, strides=[stride] * 2, pads=[kernel // 2] * 4, group=group)
        self.channels[y] = out
        return y

    def relu(self, x: str) -> str:
        return self.op("Relu", x)

    def relu6(self, x: str) -> str:
        return self.op("Clip", x, *(self.weight(np.array(bound, np.float32)) for bound in (0, 6)))

    def classes(self, x: str, classes: int = 10) -> str:
        flat = self.op("Flatten", self.op("GlobalAveragePool", x))
        matrix = self._random.standard_normal((self.channels[x], classes)).astype(np.float32)
        return self.op("Gemm", flat, self.weight(matrix))

    def model(self, y: str, batch: int | str) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes,
            "network",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, 64, 64])],
            [helper.make_tensor_value_info(y, TensorProto.FLOAT, [batch, 10])],
            self.weights,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def resnet(depths: list[int], bottleneck: bool) -> Network:
    """He et al., Deep residual learning (2016), table 1."""

    def basic(net: Builder, x: str, width: int, stride: int) -> str:
        return net.conv(net.relu(net.conv(x, width, stride=stride)), width)

    def narrow(net: Builder, x: str, width: int, stride: int) -> str:
        inner = net.relu(net.conv(net.relu(net.conv(x, width, 1)), width, stride=stride))
        return net.conv(inner, 4 * width, 1)

    def make(net: Builder) -> str:
        x = net.relu(net.conv("x", 16, 7, 2))
        x = net.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
        for stage, depth in enumerate(depths):
            for block in range(depth):
                stride = 2 if stage and not block else 1
                y = (narrow if bottleneck else basic)(net, x, 16 * 2**stage, stride)
                same = stride == 1 and net.channels[x] == net.channels[y]
                skip = x if same else net.conv(x, net.channels[y], 1, stride)
                x = net.relu(net.op("Add", y, skip))
        return net.classes(x)

    return make


def mobilenet_v3(net: Builder) -> str:
    """Howard et al., Searching for MobileNetV3 (2019): its kinds of blocks in turn."""
    x = net.op("HardSwish", net.conv("x", 16, 3, 2))
    for kernel, inner, out, stride, squeeze, swish in [
        (3, 16, 16, 1, False, False),
        (3, 64, 32, 2, False, False),
        (3, 96, 32, 1, False, False),
        (5, 96, 48, 2, True, False),
        (5, 144, 48, 1, True, False),
        (3, 192, 64, 2, False, True),
        (3, 192, 64, 1, True, True),
    ]:
        kind = "HardSwish" if swish else "Relu"
        y = net.op(kind, net.conv(x, inner, 1))
        y = net.op(kind, net.conv(y, inner, kernel, stride, inner))
        if squeeze:
            pooled = net.relu(net.conv(net.op("GlobalAveragePool", y), 16, 1))
            y = net.op("Mul", y, net.op("HardSigmoid", net.conv(pooled, inner, 1), alpha=1 / 6))
        y = net.conv(y, out, 1)
        x = net.op("Add", y, x) if stride == 1 and net.channels[x] == out else y
    return net.classes(net.op("HardSwish", net.conv(x, 96, 1)))


def mobilenet_v2(net: Builder) -> str:
    """Sandler et al., MobileNetV2 (2018): inverted residuals with ReLU6."""
    x = net.relu6(net.conv("x", 32, 3, 2))
    for expansion, out, stride in [(1, 16, 1), (6, 32, 2), (6, 32, 1), (6, 64, 2), (6, 64, 1)]:
        inner = expansion * net.channels[x]
        y = net.relu6(net.conv(net.relu6(net.conv(x, inner, 1)), inner, 3, stride, inner))
        y = net.conv(y, out, 1)
        x = net.op("Add", y, x) if stride == 1 and net.channels[x] == out else y
    return net.classes(x)


def gates(net: Builder) -> str:
    """Squeeze and excitation of 72 channels, which do not fill blocks of 16."""
    y = net.relu(net.conv("x", 72))
    pooled = net.relu(net.conv(net.op("GlobalAveragePool", y), 24, 1))
    y = net.op("Mul", y, net.op("HardSigmoid", net.conv(pooled, 72, 1), alpha=1 / 6))
    return net.classes(net.relu(net.conv(y, 32)))


TABLE: dict[str, tuple[Network, Counts]] = {
    "ResNet-18": (resnet([2, 2, 2, 2], False), Counts(190, 58, 26, 2389)),
    "ResNet-50": (resnet([3, 4, 6, 3], True), Counts(320, 124, 26, 5548)),
    # (products include copies within the layout, and the scaling, sums and repetition of gates)
    "MobileNetV2": (mobilenet_v2, Counts(109, 46, 9, 14796)),
    "gates of any width": (gates, Counts(46, 19, 7, 17680)),
    "MobileNetV3": (mobilenet_v3, Counts(217, 91, 21, 7546)),
}
"""The largest that each may be, with any batch size."""


@pytest.mark.parametrize("batch", ["batch", 1], ids=["any batch", "batch of one"])
@pytest.mark.parametrize(("network", "most"), TABLE.values(), ids=list(TABLE))
def test_the_gradient_graph_has_not_grown(network: Network, most: Counts, batch: int | str) -> None:
    net = Builder()
    model = onnx.shape_inference.infer_shapes(net.model(network(net), batch))
    found = gradient_counts(model)
    assert not found.beyond(most), f"{found}; as (is, was): {found.beyond(most)}"


def test_a_residual_that_breaks_a_fusion_is_seen() -> None:
    """ReLU's mask taken from its input keeps the convolution before it from being fused with it."""
    from inspector.autodiff import RULES, vjp

    from .counted import count

    net = Builder()
    model = onnx.shape_inference.infer_shapes(net.model(resnet([1, 1, 1, 1], False)(net), 1))

    def from_input(tape, node, cotangents):  # type: ignore[no-untyped-def]
        return [tape.Where(tape.Greater(node.inputs[0], 0), cotangents[0], 0)]

    feeds = {"x": np.zeros((1, 3, 64, 64), np.float32)}
    found = []
    for rules in (RULES, RULES.override(Relu=from_input)):
        graph = vjp(model, [model.graph.output[0].name], ["x"], rules)
        del graph.graph.output[:-1]
        cotangent = {f"cotangent.{model.graph.output[0].name}": np.ones((1, 10), np.float32)}
        found.append(count(graph.SerializeToString(), {**feeds, **cotangent}))
    assert {"nodes", "layout", "kilobytes"} <= set(found[1].beyond(found[0]))

"""Small ONNX models, built by hand, that the tests of the inspector look into."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Weights = dict[str, NDArray[np.float32]]
Dims = Sequence[int | str | None]


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Dims],
    outputs: Mapping[str, Dims | None],
    weights: Mapping[str, NDArray[Any]] | None = None,
    opset: int = 18,
    metadata: Mapping[str, Any] | None = None,
    dtype: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info(name, dtype, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, dtype, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    for key, value in (metadata or {}).items():
        proto.metadata_props.add(key=f"onnxlens.{key}", value=json.dumps(value))
    return proto


def normal(*shape: int, seed: int = 0, scale: float = 0.2) -> NDArray[np.float32]:
    return (scale * np.random.default_rng([seed, *shape]).normal(size=shape)).astype(np.float32)


def cnn_weights(classes: int = 10, channels: int = 4) -> Weights:
    return {
        "conv.weight": normal(channels, 3, 3, 3),
        "conv.bias": normal(channels, seed=1),
        "bn.scale": 1 + normal(channels, seed=2),
        "bn.shift": normal(channels, seed=3),
        "bn.mean": normal(channels, seed=4),
        "bn.variance": 0.5 + np.abs(normal(channels, seed=5)),
        "fc.weight": normal(classes, channels * 7 * 7),
        "fc.bias": normal(classes, seed=6),
    }


def cnn(
    batch: int | str = "batch",
    final: str | None = None,
    opset: int = 18,
    metadata: Mapping[str, Any] | None = None,
    weights: Weights | None = None,
) -> onnx.ModelProto:
    """Conv-Relu-BatchNorm-MaxPool-Flatten-Gemm on 16 x 16 RGB images, 10 classes; `final` is an activation after it."""
    nodes = [
        helper.make_node("Conv", ["image", "conv.weight", "conv.bias"], ["conv"]),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node(
            "BatchNormalization", ["relu", "bn.scale", "bn.shift", "bn.mean", "bn.variance"], ["batch_norm"]
        ),
        helper.make_node("MaxPool", ["batch_norm"], ["max_pool"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["max_pool"], ["flat"]),
        helper.make_node("Gemm", ["flat", "fc.weight", "fc.bias"], ["logits"], transB=1),
    ]
    output = "logits"
    if final is not None:
        output = "output"
        nodes.append(helper.make_node(final, ["logits"], [output]))
    return model(
        nodes, {"image": [batch, 3, 16, 16]}, {output: [batch, 10]}, weights or cnn_weights(), opset, metadata
    )


HEADS = {"length": ["short", "long"], "angle": ["0°", "15°", "30°"], "colour": ["red", "blue"]}


def multi_head(batch: int | str = "batch") -> onnx.ModelProto:
    """Conv-Relu-GlobalAveragePool and three heads with labels: one neuron, three, one."""
    sizes = {"length": 1, "angle": 3, "colour": 1}
    nodes = [
        helper.make_node("Conv", ["image", "conv.weight"], ["conv"]),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("GlobalAveragePool", ["relu"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
    ]
    weights = {"conv.weight": normal(4, 3, 3, 3, scale=1)}
    for name, size in sizes.items():
        nodes.append(helper.make_node("Gemm", ["flat", f"{name}.weight", f"{name}.bias"], [name], transB=1))
        weights[f"{name}.weight"] = normal(size, 4, seed=len(name), scale=2)
        weights[f"{name}.bias"] = normal(size, seed=len(name), scale=0.1)
    # so that either label is predicted of some image
    weights["length.bias"] -= 7.5
    metadata = {
        "labels": HEADS,
        "outputs": {
            name: {"activation": "softmax" if sizes[name] > 1 else "sigmoid", "labels": HEADS[name]}
            for name in sizes
        },
        "layers": {"conv": "Convolution 2D", "relu": "ReLU"},
    }
    return model(
        nodes,
        {"image": [batch, 3, 8, 8]},
        {name: [batch, n] for name, n in sizes.items()},
        weights,
        18,
        metadata,
    )


def images(count: int = 3, size: int = 16, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, 3, size, size)).astype(np.float32)

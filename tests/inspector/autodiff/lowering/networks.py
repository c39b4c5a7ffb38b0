"""Small float networks, and what onnxruntime makes of them: quantised, optimised."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.transformers.optimizer import optimize_model

from tests.inspector.graphs import model, normal

__all__ = ["cnn", "optimised", "photographs", "quantised", "transformer"]


def photographs(count: int, seed: int = 0) -> NDArray[np.float32]:
    """Smooth patterns in [0, 1], of which the brightest and darkest pixels lie on the edge."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:16, 0:16] / 16
    waves = [
        np.sin(2 * np.pi * (a * rows + b * columns + c)) for a, b, c in random.uniform(0, 2, (count * 3, 3))
    ]
    stacked = np.clip(0.5 + 0.6 * np.array(waves).reshape(count, 3, 16, 16), 0, 1)
    return stacked.astype(np.float32)


def cnn() -> onnx.ModelProto:
    """Convolutions, a residual connection, pooling, a dense layer."""
    weights = {
        "conv1.weight": normal(8, 3, 3, 3, scale=0.3),
        "conv1.bias": normal(8),
        "conv2.weight": normal(12, 8, 3, 3, scale=0.2),
        "conv2.bias": normal(12),
        "conv3.weight": normal(12, 12, 3, 3, scale=0.15),
        "fc.weight": normal(5, 12, scale=0.5),
        "fc.bias": normal(5),
    }
    nodes = [
        helper.make_node("Conv", ["image", "conv1.weight", "conv1.bias"], ["conv1"], pads=[1] * 4),
        helper.make_node("Relu", ["conv1"], ["relu1"]),
        helper.make_node("MaxPool", ["relu1"], ["pool"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["pool", "conv2.weight", "conv2.bias"], ["conv2"], pads=[1] * 4),
        helper.make_node("Relu", ["conv2"], ["relu2"]),
        helper.make_node("Conv", ["relu2", "conv3.weight"], ["conv3"], pads=[1] * 4),
        helper.make_node("Add", ["conv3", "relu2"], ["sum"]),
        helper.make_node("Relu", ["sum"], ["relu3"]),
        helper.make_node("GlobalAveragePool", ["relu3"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("Gemm", ["flat", "fc.weight", "fc.bias"], ["logits"], transB=1),
    ]
    return model(nodes, {"image": ["N", 3, 16, 16]}, {"logits": ["N", 5]}, weights)


_BLOCK = """
<ir_version: 8, opset_import: ["" : 18]>
block (float[N, 6, 16] tokens) => (float[N, 4] logits) {
    heads = Constant <value_ints = [0, 0, 2, 8]> ()
    whole = Constant <value_ints = [0, 0, 16]> ()
    root = Constant <value_float = 2.8284271> ()
    q0 = MatMul (tokens, wq)  q1 = Add (bq, q0)  q2 = Reshape (q1, heads)  q = Transpose <perm = [0, 2, 1, 3]> (q2)
    k0 = MatMul (tokens, wk)  k1 = Add (bk, k0)  k2 = Reshape (k1, heads)  k = Transpose <perm = [0, 2, 3, 1]> (k2)
    v0 = MatMul (tokens, wv)  v1 = Add (bv, v0)  v2 = Reshape (v1, heads)  v = Transpose <perm = [0, 2, 1, 3]> (v2)
    qk = MatMul (q, k)  scores = Div (qk, root)  weights = Softmax <axis = -1> (scores)
    mixed = MatMul (weights, v)  m1 = Transpose <perm = [0, 2, 1, 3]> (mixed)  m2 = Reshape (m1, whole)
    o0 = MatMul (m2, wo)  o1 = Add (bo, o0)  o2 = Add (o1, tokens)
    n1 = LayerNormalization <axis = -1, epsilon = 1e-5> (o2, gamma1, beta1)
    h0 = MatMul (n1, w1)  h1 = Add (b1, h0)
    two = Constant <value_float = 1.4142135> ()  one = Constant <value_float = 1.0> ()
    half = Constant <value_float = 0.5> ()
    g0 = Div (h1, two)  g1 = Erf (g0)  g2 = Add (g1, one)  g3 = Mul (h1, g2)  g4 = Mul (g3, half)
    f0 = MatMul (g4, w2)  f1 = Add (b2, f0)  f2 = Add (f1, n1)
    n2 = LayerNormalization <axis = -1, epsilon = 1e-5> (f2, gamma2, beta2)
    first = Constant <value_int = 0> ()
    token = Gather <axis = 1> (n2, first)
    logits = Gemm (token, head, bias)
}
"""


def transformer() -> onnx.ModelProto:
    """One block of an encoder as frameworks write it: attention, normalisations, Gelu, a head on the first token."""
    proto = onnx.parser.parse_model(_BLOCK)
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(("wq", "wk", "wv", "wo"), (16, 16))
    shapes |= {"w1": (16, 32), "w2": (32, 16), "head": (16, 4), "bias": (4,), "b1": (32,)}
    shapes |= dict.fromkeys(("bq", "bk", "bv", "bo", "b2", "gamma1", "beta1", "gamma2", "beta2"), (16,))
    for seed, (name, shape) in enumerate(shapes.items()):
        offset = 1.0 if name.startswith("gamma") else 0.0
        array = normal(*shape, seed=seed, scale=0.4 if len(shape) == 2 else 0.2) + offset
        proto.graph.initializer.append(numpy_helper.from_array(array.astype(np.float32), name))
    return proto


def optimised(proto: onnx.ModelProto, level: str, folder: Path) -> onnx.ModelProto:
    """What onnxruntime makes of a model: "BASIC", "EXTENDED"; "bert": its script for transformers."""
    goal = folder / "optimised.onnx"
    if level == "bert":
        source = folder / "source.onnx"
        onnx.save(proto, source)
        optimize_model(str(source), "bert", num_heads=2, hidden_size=16).save_model_to_file(str(goal))
        return onnx.load(goal)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(goal)
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, f"ORT_ENABLE_{level}")
    onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return onnx.load(goal)


class _Reader(CalibrationDataReader):
    def __init__(self) -> None:
        self._batches: Iterator[dict[str, Any]] = iter(
            [{"image": photographs(16, seed)} for seed in range(4)]
        )

    def get_next(self) -> dict[str, Any] | None:
        return next(self._batches, None)


def quantised(kind: str, folder: Path) -> onnx.ModelProto:
    """`cnn()` quantised: "qdq", "qoperator" (either with " per channel"), "qdq int16", "dynamic"."""
    source, goal = folder / "float.onnx", folder / "quantised.onnx"
    onnx.save(cnn(), source)
    if kind == "dynamic":
        quantize_dynamic(source, goal)
    else:
        quantize_static(
            source,
            goal,
            _Reader(),
            quant_format=QuantFormat.QOperator if kind.startswith("qoperator") else QuantFormat.QDQ,
            per_channel=kind.endswith("per channel"),
            activation_type=QuantType.QUInt16 if kind.endswith("int16") else QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
    return onnx.load(goal)

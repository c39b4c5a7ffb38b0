"""Small float networks, and what onnxruntime makes of them: quantised, optimised."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

from tests.inspector.graphs import model, normal

__all__ = ["cnn", "photographs", "quantised"]


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

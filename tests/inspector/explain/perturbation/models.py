"""Models whose attributions can be written down."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from inspector import Inspector
from tests.inspector.graphs import model, normal

__all__ = ["CLASSES", "function", "linear", "linear_terms", "token_terms", "tokens"]

CLASSES = 4


def linear(*shape: int, batch: int | str = "n") -> Inspector:
    """Logits W x + b of an input (n, *shape), channels first where there are any."""
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w", "b"], ["logits"]),
    ]
    weights = {"w": normal(int(np.prod(shape)), CLASSES, scale=1), "b": normal(CLASSES, scale=1)}
    layout = {2: "NCL", 3: "NCHW", 4: "NCDHW"}.get(len(shape))
    metadata = {"input": {"layout": layout}} if layout else None
    return Inspector(
        model(nodes, {"x": [batch, *shape]}, {"logits": [batch, CLASSES]}, weights, metadata=metadata)
    )


def linear_terms(
    x: NDArray[np.float32], baseline: NDArray[np.float32] | float, target: int
) -> NDArray[np.float64]:
    """What each element adds to the target of `linear`, of the shape of `x`, in double precision."""
    w = normal(x[0].size, CLASSES, scale=1)[:, target].astype(np.float64)
    return np.asarray((x.astype(np.float64) - baseline) * w.reshape(x.shape[1:]))


def function(nodes: list[onnx.NodeProto], inputs: int, weights: dict[str, NDArray[np.float32]]) -> Inspector:
    """A model of (n, inputs) numbers `x` with one result `y` per sample, (n, 1)."""
    return Inspector(model(nodes, {"x": ["n", inputs]}, {"y": ["n", 1]}, weights))


def tokens(length: int, words: int = 20) -> Inspector:
    """Logits sum over t of p_t W e(id_t): linear in what each token is, with a weight p_t for each place."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["embedded"]),
        helper.make_node("Mul", ["embedded", "places"], ["placed"]),
        helper.make_node("ReduceSum", ["placed", "axis"], ["text"], keepdims=0),
        helper.make_node("MatMul", ["text", "w"], ["logits"]),
    ]
    weights: dict[str, NDArray[np.float32]] = {
        "table": normal(words, 6, scale=1),
        "places": normal(length, 1, scale=1),
        "w": normal(6, CLASSES, scale=1),
    }
    proto = model(nodes, {"ids": ["n", length]}, {"logits": ["n", CLASSES]}, weights)
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    proto.graph.initializer.append(helper.make_tensor("axis", TensorProto.INT64, [1], [1]))
    return Inspector(proto)


def token_terms(ids: NDArray[np.int64], target: int, words: int = 20) -> NDArray[np.float64]:
    """(n, length): what each token adds to the target of `tokens`."""
    value = normal(words, 6, scale=1).astype(np.float64) @ normal(6, CLASSES, scale=1)[:, target]
    return np.asarray(value[ids] * normal(ids.shape[1], 1, scale=1)[:, 0])

"""Classifiers whose scores leave the graph as a map from class to score: scikit-learn's, by hand."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from inspector import Inspector
from tests.inspector.graphs import normal

X = np.random.default_rng(2).normal(size=(3, 4)).astype(np.float32)


def logistic_regression(**names: list[str] | list[int]) -> onnx.ModelProto:
    """What skl2onnx writes: scores, a softmax, the label, and a sequence of maps."""
    nodes = [
        helper.make_node("MatMul", ["X", "w"], ["raw"]),
        helper.make_node("Softmax", ["raw"], ["probabilities"]),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
        helper.make_node("ZipMap", ["probabilities"], ["output_probability"], domain="ai.onnx.ml", **names),
    ]
    key = TensorProto.STRING if "classlabels_strings" in names else TensorProto.INT64
    of_maps = helper.make_map_type_proto(key, helper.make_tensor_type_proto(TensorProto.FLOAT, None))
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, 4])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
            helper.make_value_info("output_probability", helper.make_sequence_type_proto(of_maps)),
        ],
        [onnx.numpy_helper.from_array(normal(4, 3), "w")],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        ({"classlabels_int64s": [0, 1, 2]}, ("0", "1", "2")),
        ({"classlabels_int64s": [10, 20, 30]}, ("10", "20", "30")),
        ({"classlabels_strings": ["cat", "dog", "cow"]}, ("cat", "dog", "cow")),
    ],
)
def test_each_samples_own_class_by_name(
    names: dict[str, list[str] | list[int]], classes: tuple[str, ...]
) -> None:
    lens = Inspector(logistic_regression(**names))
    explained = lens.explain(X)
    raw = X @ normal(4, 3)
    top = raw.argmax(axis=1)
    assert explained.target == tuple(f"probabilities={classes[number]}" for number in top)
    np.testing.assert_allclose(explained.score, raw.max(axis=1), rtol=1e-5)
    np.testing.assert_allclose(lens.gradient(X), normal(4, 3).T[top], rtol=1e-5)
    verdict = lens.check(X)
    assert verdict.passed, str(verdict)
    assert verdict.precision == "float64"


def test_the_output_itself_names_the_class() -> None:
    lens = Inspector(logistic_regression(classlabels_strings=["cat", "dog", "cow"]))
    for target in ("output_probability=dog", "dog", 1):
        np.testing.assert_allclose(
            lens.gradient(X, target), np.broadcast_to(normal(4, 3)[:, 1], (3, 4)), rtol=1e-5
        )

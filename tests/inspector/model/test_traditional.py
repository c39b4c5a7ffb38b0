"""Shapes of what the operators of ai.onnx.ml compute, against what onnxruntime computes."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from inspector import Inspector
from inspector.model import load
from tests.inspector.graphs import normal

X = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)
OPERATORS = {
    "Scaler": {"offset": [0.5] * 4, "scale": [2.0] * 4},
    "Normalizer": {"norm": "L2"},
    "Imputer": {"imputed_value_floats": [0.0]},
    "Binarizer": {},
    "LinearRegressor": {"coefficients": [0.5] * 4, "intercepts": [0.0], "targets": 1},
    "FeatureVectorizer": {"inputdimensions": [4]},
}


def unannotated(op_type: str) -> onnx.ModelProto:
    """The operator, then two layers whose gradients need the rank of what they read."""
    width = 1 if op_type == "LinearRegressor" else 4
    nodes = [
        helper.make_node(op_type, ["x"], ["first"], domain="ai.onnx.ml", **OPERATORS[op_type]),
        helper.make_node("MatMul", ["first", "w1"], ["hidden"]),
        helper.make_node("Tanh", ["hidden"], ["tanh"]),
        helper.make_node("MatMul", ["tanh", "w2"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(w, n) for n, w in (("w1", normal(width, 5)), ("w2", normal(5, 2)))],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


@pytest.mark.parametrize("op_type", OPERATORS)
def test_what_follows_has_a_rank(op_type: str) -> None:
    proto = unannotated(op_type)
    shapes = {v.name: v.shape for node in load(proto).normalised.graph for v in node.outputs}
    computed = Inspector(proto).activations(X)
    for name, value in computed.items():
        shape = shapes[name]
        assert shape is not None
        assert len(shape) == value.ndim
        assert all(dim == size for dim, size in zip(shape, value.shape, strict=True) if isinstance(dim, int))


def test_a_dimension_without_a_name_has_none() -> None:
    (output,) = Inspector(unannotated("Scaler")).outputs
    assert output.shape == (None, 2)


@pytest.mark.parametrize("op_type", ["Scaler", "Normalizer", "LinearRegressor"])
def test_gradients_pass_through(op_type: str) -> None:
    assert Inspector(unannotated(op_type)).check(X, 1).passed


def test_more_weights_than_columns() -> None:
    """Onnxruntime's own logreg_iris.onnx: 12 coefficients for 3 classes of 2 columns."""
    coefficients = normal(12).tolist()
    node = helper.make_node(
        "LinearClassifier",
        ["x"],
        ["label", "scores"],
        domain="ai.onnx.ml",
        coefficients=coefficients,
        intercepts=[0.0] * 3,
        classlabels_ints=[0, 1, 2],
    )
    graph = helper.make_graph(
        [node],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, 3])],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    lens = Inspector(helper.make_model(graph, opset_imports=opsets, ir_version=8))
    np.testing.assert_allclose(lens.gradient(X[:, :2], 1)[0], coefficients[2:4], rtol=1e-6)
    assert lens.check(X[:, :2], 1).passed

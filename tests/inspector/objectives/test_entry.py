"""Where a gradient starts that cannot start at the input."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper

from inspector import Inspector
from tests.inspector.graphs import model, normal


def test_no_gradient_starts_at_a_number_that_only_decides() -> None:
    """TensorFlow's lookup of a float: codes below zero are counted from the end, which a float comparison finds out."""
    nodes = [
        helper.make_node("Cast", ["text"], ["codes"], to=TensorProto.INT32),
        helper.make_node("Cast", ["codes"], ["signs"], to=TensorProto.FLOAT),
        helper.make_node("Less", ["signs", "zero"], ["negative"]),
        helper.make_node("Add", ["codes", "count"], ["wrapped"]),
        helper.make_node("Where", ["negative", "wrapped", "codes"], ["places"]),
        helper.make_node("Gather", ["table", "places"], ["words"]),
        helper.make_node("ReduceMean", ["words", "axis"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "weight"], ["logits"]),
    ]
    weights = {
        "zero": np.zeros((), dtype=np.float32),
        "count": np.array(6, dtype=np.int32),
        "table": normal(6, 4),
        "axis": np.array([1], dtype=np.int64),
        "weight": normal(4, 3),
    }
    lens = Inspector(model(nodes, {"text": ["N", 5]}, {"logits": ["N", 3]}, weights))
    x = np.array([[0, 3, -1, 5, 2]], dtype=np.float32)
    gradient = lens.gradient(x, 1)
    np.testing.assert_allclose(gradient, np.broadcast_to(normal(4, 3)[:, 1] / 5, (1, 5, 4)), rtol=1e-5)
    assert lens.check(x, 1).passed
    assert any("'words' (Gather)" in note for note in lens.explain(x, target=1).notes)

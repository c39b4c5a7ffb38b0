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


def test_a_state_is_no_picture() -> None:
    """A signal, and four axes of what earlier frames left, which come back for the next."""
    nodes = [
        helper.make_node("ReduceMean", ["cache", "axes"], ["left"], keepdims=0),
        helper.make_node("MatMul", ["speech", "weight"], ["scores"]),
        helper.make_node("Add", ["scores", "left"], ["sum"]),
        helper.make_node("Softmax", ["sum"], ["probabilities"], axis=2),
        helper.make_node("Tanh", ["cache"], ["next_cache"]),
    ]
    proto = model(
        nodes,
        {"cache": [1, 3, 5, 1], "speech": [1, "frames", 4]},
        {"next_cache": [1, 3, 5, 1], "probabilities": [1, "frames", 3]},
        {"axes": np.array([2, 3], dtype=np.int64), "weight": normal(4, 3)},
    )
    x = {"cache": normal(1, 3, 5, 1), "speech": normal(1, 6, 4)}
    explained = Inspector(proto).explain(x)
    assert explained.target == ("probabilities: each position's own class",)
    assert explained.heatmap.shape == (1, 6, 4)


def test_a_map_of_scores_comes_before_other_maps() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "boxes"], ["offsets"]),
        helper.make_node("Conv", ["x", "classes"], ["raw"]),
        helper.make_node("Softmax", ["raw"], ["second"], axis=1),
    ]
    weights = {"boxes": normal(4, 3, 1, 1), "classes": normal(2, 3, 1, 1)}
    outputs = {"offsets": ["N", 4, 8, 8], "second": ["N", 2, 8, 8]}
    lens = Inspector(model(nodes, {"x": ["N", 3, 8, 8]}, outputs, weights))
    (target,) = lens.explain(normal(1, 3, 8, 8), "saliency").target
    assert target.startswith("second=")

"""Outputs whose one axis is not that of the batch: against NumPy and finite differences by hand."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from inspector import Inspector
from inspector.errors import TargetError
from tests.inspector.graphs import model, normal

X = np.random.default_rng(5).normal(size=(1, 9)).astype(np.float32)


def a_number_per_word(final: str | None = None, length: int | str = "length") -> Inspector:
    """A convolution over a text whose batch is squeezed away: (1, length) -> (length,)."""
    nodes = [
        helper.make_node("Unsqueeze", ["text", "one"], ["rows"]),
        helper.make_node("Conv", ["rows", "kernel"], ["conv"], pads=[1, 1]),
        helper.make_node("Squeeze", ["conv", "both"], ["scores"]),
    ]
    if final is not None:
        nodes.append(helper.make_node(final, ["scores"], ["found"]))
    weights = {
        "one": np.array([1], dtype=np.int64),
        "both": np.array([0, 1], dtype=np.int64),
        "kernel": normal(1, 1, 3),
    }
    last = "scores" if final is None else "found"
    return Inspector(model(nodes, {"text": [1, length]}, {last: [length]}, weights))


@pytest.mark.parametrize("final", [None, "Sigmoid"])
def test_the_places_predicted_are_one_score(final: str | None) -> None:
    lens = a_number_per_word(final)
    scores = lens.evaluator.values({"text": X}, ["scores"])["scores"]
    explained = lens.explain(X)
    np.testing.assert_allclose(explained.score, [scores[scores > 0].sum()], rtol=1e-6)
    (said,) = explained.target
    assert said.endswith(f"the {(scores > 0).sum()} places of the mask")
    kernel = normal(1, 1, 3).ravel()
    gradient = np.zeros((1, 11), dtype=np.float32)
    for place in np.flatnonzero(scores > 0):
        gradient[0, place : place + 3] += kernel
    np.testing.assert_allclose(lens.gradient(X), gradient[:, 1:-1], atol=1e-7)
    assert lens.check(X).passed


def test_indices_and_numbers_name_places() -> None:
    lens = a_number_per_word()
    expected = np.zeros((1, 9), dtype=np.float32)
    expected[0, 3:6] = normal(1, 1, 3).ravel()
    for target in ("scores[4]", "scores=4", 4):
        np.testing.assert_allclose(lens.gradient(X, target), expected, atol=1e-7)
    assert lens.explain(X, target=4).target == ("scores=4",)


def test_of_a_fixed_number_of_classes_the_top_one() -> None:
    lens = a_number_per_word(length=9)
    best = int(lens.run(X)["scores"].argmax())
    assert lens.explain(X).target == (f"scores={best}",)
    assert lens.check(X).passed


def test_several_runs_have_no_places_in_common() -> None:
    with pytest.raises(TargetError, match="one sample at a time"):
        a_number_per_word().gradient(np.concatenate([X, X]))


def test_a_length_that_has_the_name_of_another() -> None:
    """The file says that the output is as long as the input, and it is twice as long."""
    nodes = [
        helper.make_node("Concat", ["x", "x"], ["double"], axis=0),
        helper.make_node("Mul", ["double", "double"], ["y"]),
    ]
    proto = model(nodes, {"x": ["N"]}, {"y": ["N"]})
    proto.graph.value_info.append(helper.make_tensor_value_info("double", TensorProto.FLOAT, ["N"]))
    x = np.array([0.9, -0.5, 0.8], dtype=np.float32)
    lens = Inspector(proto)
    np.testing.assert_allclose(lens.gradient(x, "y[:]"), 4 * x, rtol=1e-6)
    assert lens.check(x).passed

"""What stands for an absent feature, seen through occlusion by a window as large as the input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from inspector import Inspector
from inspector.errors import InputError
from inspector.explain.baselines import Baseline, input_baseline, source_baseline
from inspector.explain.heatmap import _scene
from inspector.explain.relevance import Scene
from inspector.explain.subject import Subject
from inspector.explain.targeted import picture_sides
from inspector.objectives import find_entry, resolve
from tests.inspector.explain.perturbation.models import tokens
from tests.inspector.graphs import cnn, images, model, normal

X = images(2)
SPECIFICATION = {"layout": "NCHW", "range": [0, 1], "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.25, 0.5]}


def scene(lens: Inspector, x: NDArray[Any]) -> Scene:
    name = lens.inputs[0].name
    objective = resolve(1, len(x), lens.model, lens.heads(), lambda tensor: x, "logit")
    subject = Subject(lens.evaluator, {name: x}, objective, name)
    entry = find_entry(lens.evaluator, objective.tensors)
    return _scene(subject, entry, None, picture_sides(lens.evaluator, entry, subject.feeds), None)


def baseline(choice: Baseline, metadata: dict[str, Any] | None = None) -> NDArray[Any]:
    return input_baseline(scene(Inspector(cnn(metadata=metadata)), X), choice)


def test_numbers_and_arrays() -> None:
    assert baseline("zero").shape == X.shape
    assert not baseline("zero").any()
    assert (baseline(0.5) == np.float32(0.5)).all()
    np.testing.assert_array_equal(baseline(X[1]), np.stack([X[1], X[1]]))
    np.testing.assert_array_equal(baseline(X[::-1]), X[::-1])
    colour = np.broadcast_to(np.array([1, 2, 3], np.float32)[:, None, None], X.shape)
    np.testing.assert_array_equal(baseline((1, 2, 3)), colour)
    assert baseline((1, 2, 3)).dtype == np.float32


def test_black_is_what_the_file_says_it_is_or_the_lowest_value() -> None:
    said = baseline("black", {"input": SPECIFICATION})
    expected = np.array([-2.5, -1.6, -0.6], np.float32)
    np.testing.assert_allclose(said, np.broadcast_to(expected[:, None, None], X.shape))
    unsaid = baseline("black")
    np.testing.assert_array_equal(unsaid, np.broadcast_to(X.min(axis=(2, 3), keepdims=True), X.shape))


def test_the_mean_of_each_channel() -> None:
    expected = np.broadcast_to(X.mean(axis=(2, 3), keepdims=True), X.shape)
    np.testing.assert_allclose(baseline("mean"), expected)


def test_a_blur_is_a_weighted_mean_of_the_places_around() -> None:
    found = baseline("blur")
    side = X.shape[-1]
    sigma = side / 20
    for row, column in ((0, 0), (5, 9), (15, 3)):
        weights = np.array(
            [
                [np.exp(-((r - row) ** 2 + (c - column) ** 2) / (2 * sigma**2)) for c in range(side)]
                for r in range(side)
            ]
        )
        expected = (X * weights).sum(axis=(2, 3)) / weights.sum()
        np.testing.assert_allclose(found[:, :, row, column], expected, rtol=1e-5, atol=1e-6)


def test_channels_last_pictures() -> None:
    nodes = [
        helper.make_node("Transpose", ["x"], ["image"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["image", "w"], ["maps"]),
        helper.make_node("GlobalAveragePool", ["maps"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["logits"]),
    ]
    lens = Inspector(model(nodes, {"x": ["n", 6, 6, 3]}, {"logits": ["n", 4]}, {"w": normal(4, 3, 3, 3)}))
    x = normal(2, 6, 6, 3, scale=1)
    given = input_baseline(scene(lens, x), (1, 2, 3))
    np.testing.assert_array_equal(given, np.broadcast_to(np.array([1, 2, 3], np.float32), x.shape))
    mean = input_baseline(scene(lens, x), "mean")
    np.testing.assert_allclose(mean, np.broadcast_to(x.mean(axis=(1, 2), keepdims=True), x.shape), rtol=1e-6)


def test_token_ids_and_their_embeddings() -> None:
    ids = np.array([[3, 4, 5], [6, 7, 8]])
    given = scene(tokens(3), ids)
    found = input_baseline(given, 9)
    assert found.dtype == np.int64
    assert (found == 9).all()
    table = normal(20, 6, scale=1)
    np.testing.assert_array_equal(source_baseline(given, 9), np.broadcast_to(table[9], (2, 3, 6)))
    np.testing.assert_array_equal(source_baseline(given, ids[::-1]), table[ids[::-1]])
    for name in ("mean", "black", "blur"):
        with pytest.raises(InputError, match=f"codes, which have no {name}: give the code"):
            input_baseline(given, name)


def test_of_a_floating_point_input_both_are_the_same() -> None:
    given = scene(Inspector(cnn()), X)
    np.testing.assert_array_equal(source_baseline(given, "mean"), input_baseline(given, "mean"))


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("white", "there is no baseline 'white'"),
        (np.zeros((4, 4)), r"a baseline of shape \(4, 4\) does not fit the input's \(2, 3, 16, 16\)"),
        (np.array(["a"]), "made of numbers"),
    ],
)
def test_what_is_no_baseline(choice: Baseline, message: str) -> None:
    with pytest.raises(InputError, match=message):
        baseline(choice)


@pytest.mark.parametrize("dtype", [object, "U5"])
def test_words_are_replaced_by_a_word(dtype: Any) -> None:
    words = np.array([["cat", "dog", "mouse"], ["dog", "dog", "cat"]], dtype=dtype)
    nodes = [
        helper.make_node(
            "LabelEncoder", ["x"], ["ids"], domain="ai.onnx.ml",
            keys_strings=["cat", "dog", "mouse", "none"], values_int64s=[0, 1, 2, 3], default_int64=3,
        ),
        helper.make_node("Gather", ["table", "ids"], ["values"]),
        helper.make_node("ReduceSum", ["values", "axis"], ["y"], keepdims=1),
    ]  # fmt: skip
    table = np.array([2, 5, 11, 0.5], np.float32)
    proto = model(nodes, {"x": ["n", 3]}, {"y": ["n", 1]}, {"table": table, "axis": np.array([1])})
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.STRING
    proto.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    for baseline, worth in (("zero", 0.5), ("dog", 5)):
        explained = Inspector(proto).explain(words, "occlusion", target="y[0]", baseline=baseline)
        expected = np.array([[2, 5, 11], [5, 5, 2]]) - worth
        np.testing.assert_allclose(explained.raw, expected)
    if dtype is not object:
        with pytest.raises(InputError, match="no longer than the input's longest"):
            Inspector(proto).explain(words, "occlusion", target="y[0]", baseline="elephant")

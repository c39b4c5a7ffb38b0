"""Integrated and expected gradients: closed forms, and their definitions in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from inspector import Inspector
from inspector.errors import InputError
from inspector.explain import Subject
from inspector.explain.gradients.integrated import expected
from inspector.objectives import find_entry
from tests.inspector.explain.rectified import CLASSES, X, gradients, network, scores
from tests.inspector.graphs import model, normal

W = normal(6, 3, scale=1)
FEATURES = normal(2, 6, scale=1, seed=4)
BASELINES = ["zero", "mean", 0.25, [1.0, 0, 0, -1, 0, 2]]


def linear() -> onnx.ModelProto:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["logits"])]
    return model(nodes, {"x": ["n", 6]}, {"logits": ["n", 3]}, {"w": W})


def quadratic() -> onnx.ModelProto:
    """The score of class c is the sum of w[:, c] * x ** 2."""
    nodes = [
        helper.make_node("Mul", ["x", "x"], ["square"]),
        helper.make_node("MatMul", ["square", "w"], ["logits"]),
    ]
    return model(nodes, {"x": ["n", 6]}, {"logits": ["n", 3]}, {"w": W})


def start(baseline: object) -> NDArray[np.float64]:
    """Of a row of numbers "mean" is the mean of the row."""
    if baseline == "mean":
        return np.broadcast_to(FEATURES.mean(axis=1, keepdims=True), FEATURES.shape).astype(np.float64)
    given: NDArray[np.float64] = np.asarray(0 if baseline == "zero" else baseline, np.float64)
    return np.broadcast_to(given, FEATURES.shape)


@pytest.mark.parametrize("rule", ["gauss-legendre", "midpoint"])
@pytest.mark.parametrize("baseline", BASELINES)
def test_of_a_linear_model_input_less_baseline_times_weight(baseline: object, rule: str) -> None:
    explained = Inspector(linear()).explain(
        FEATURES, "integrated-gradients", target=1, baseline=baseline, steps=3, rule=rule
    )
    product = (FEATURES - start(baseline)) * W[:, 1]
    np.testing.assert_allclose(explained.raw, product, atol=1e-6)
    np.testing.assert_allclose(explained.measures["completeness gap"], 0, atol=1e-5)
    assert explained.notes == []
    assert explained.signed


@pytest.mark.parametrize("rule", ["gauss-legendre", "midpoint"])
@pytest.mark.parametrize("baseline", BASELINES)
def test_of_a_quadratic_model_one_step_is_exact(baseline: object, rule: str) -> None:
    explained = Inspector(quadratic()).explain(
        FEATURES, "integrated-gradients", target=2, baseline=baseline, steps=1, rule=rule
    )
    square = W[:, 2] * (FEATURES.astype(np.float64) ** 2 - start(baseline) ** 2)
    np.testing.assert_allclose(explained.raw, square, atol=1e-6 * np.abs(square).max())


@pytest.mark.parametrize("batch", ["batch", 1])
def test_the_definition(batch: int | str) -> None:
    """Equation 3 of the paper with the middle of each step, in float64."""
    steps = 20
    expected = np.zeros(X.shape)
    for step in range(steps):
        expected += X * gradients(0.5 + (step + 0.5) / steps * (X.astype(np.float64) - 0.5))[1] / steps
        expected -= 0.5 * gradients(0.5 + (step + 0.5) / steps * (X.astype(np.float64) - 0.5))[1] / steps
    done: list[tuple[int, int]] = []
    explained = Inspector(network(batch)).explain(
        X,
        "integrated-gradients",
        target=CLASSES,
        baseline=0.5,
        steps=steps,
        rule="midpoint",
        batch=16,
        progress=lambda *count: done.append(count),
    )
    np.testing.assert_allclose(explained.raw, expected.sum(axis=1), atol=1e-5 * np.abs(expected).max())
    gap = expected.sum(axis=(1, 2, 3)) - (scores(X) - scores(np.full(X.shape, 0.5)))
    np.testing.assert_allclose(explained.measures["completeness gap"], gap, atol=1e-5)
    assert done == [(16, 40), (32, 40), (40, 40)]


def test_a_large_completeness_gap_is_a_note() -> None:
    lens = Inspector(network())
    coarse = lens.explain(
        X, "integrated-gradients", target=CLASSES, baseline=[1, -1, 1], steps=1, rule="midpoint"
    )
    gaps = coarse.measures["completeness gap"]
    change = scores(X) - scores(np.broadcast_to(np.reshape([1, -1, 1], (3, 1, 1)), X.shape))
    large = [number for number in range(2) if abs(gaps[number]) > 0.05 * abs(change[number])]
    assert large
    assert [note.split(":")[0] for note in coarse.notes] == [f"image {number + 1}" for number in large]
    assert "completeness gap" in coarse.notes[0]
    assert "take more steps than 1" in coarse.notes[0]
    fine = lens.explain(X, "integrated-gradients", target=CLASSES, baseline=[1, -1, 1], steps=400)
    assert np.abs(fine.measures["completeness gap"]).max() < 0.05 * np.abs(gaps).max()


def words() -> onnx.ModelProto:
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["embedded"]),
        helper.make_node("Mul", ["embedded", "embedded"], ["square"]),
        helper.make_node("MatMul", ["square", "head"], ["scored"]),
        helper.make_node("ReduceMean", ["scored", "axes"], ["logits"], keepdims=0),
    ]
    table, head = normal(11, 4, scale=1), normal(4, 3, scale=1)
    proto = model(
        nodes, {"ids": ["n", 5]}, {"logits": ["n", 3]}, {"table": table, "head": head, "axes": np.array([1])}
    )
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    return proto


def test_of_token_ids_the_line_is_drawn_between_embeddings() -> None:
    ids = np.array([[1, 7, 3, 0, 2], [10, 4, 4, 9, 5]])
    table, head = normal(11, 4, scale=1).astype(np.float64), normal(4, 3, scale=1)
    lens = Inspector(words())
    explained = lens.explain(ids, "integrated-gradients", target=1, baseline=6, steps=1)
    exact = ((table[ids] ** 2 - table[6] ** 2) @ head[:, 1]) / 5
    np.testing.assert_allclose(explained.raw, exact, atol=1e-6)
    shap = lens.explain(ids, "gradient-shap", target=1, references=[[6] * 5], samples=2000)
    # the place of the gradient is uniform: an estimate of the same, 2 (b + u (x - b)) (x - b) h with its variance
    spread = np.abs(2 * (table[ids] - table[6]) ** 2 * head[:, 1]).sum(axis=-1) / 5 * np.sqrt(1 / 12 / 2000)
    assert (np.abs(shap.raw - exact) <= 5 * spread + 1e-6).all()


def test_expected_gradients_of_a_linear_model() -> None:
    references = normal(7, 6, scale=1, seed=9)
    lens = Inspector(linear())
    one = lens.explain(FEATURES, "gradient-shap", target=0, references=references[:1], samples=3)
    np.testing.assert_allclose(one.raw, (FEATURES - references[0]) * W[:, 0], atol=1e-6)
    many = lens.explain(FEATURES, "gradient-shap", target=0, references=references, samples=1000)
    exact = (FEATURES - references.mean(axis=0)) * W[:, 0]
    spread = references.std(axis=0) * np.abs(W[:, 0]) / np.sqrt(1000)
    assert (np.abs(many.raw - exact) < 5 * spread).all()
    # of the references that were drawn the sum is exact
    np.testing.assert_allclose(many.measures["completeness gap"], 0, atol=1e-4)
    noise = lens.explain(FEATURES, "gradient-shap", target=0, samples=1000)
    middle = (FEATURES.max(axis=1) + FEATURES.min(axis=1))[:, None] / 2
    spread = np.ptp(FEATURES, axis=1)[:, None] * np.abs(W[:, 0]) / np.sqrt(12 * 1000)
    assert (np.abs(noise.raw - (FEATURES - middle) * W[:, 0]) < 5 * spread).all()
    assert noise.notes == ["no references were given: the baselines are uniform noise over the input's range"]


def test_expected_gradients_by_definition() -> None:
    random = np.random.default_rng(3)
    draws = [
        (row, random.normal(size=X.shape[1:]).astype(np.float32), random.uniform())
        for row in range(2)
        for _ in range(9)
    ]
    lens = Inspector(network())
    objective = lens._objective({"image": X}, CLASSES, "logit")
    entry = find_entry(lens.evaluator, objective.tensors)
    subject = Subject(lens.evaluator, {"image": X}, objective, entry.tensor, batch=4)
    exact = np.zeros(X.shape)
    for row, reference, place in draws:
        both = np.stack([reference + place * (x.astype(np.float64) - reference) for x in X])
        exact[row] += (X[row] - reference) * gradients(both)[1][row] / 9
    found = expected(subject, iter(draws), 9)
    np.testing.assert_allclose(found, exact, atol=1e-5 * np.abs(exact).max())


def test_expected_gradients_are_seeded_and_each_sample_stands_alone() -> None:
    lens = Inspector(network())
    both = lens.explain(X, "gradient-shap", target=CLASSES, samples=5)
    np.testing.assert_array_equal(both.raw, lens.explain(X, "gradient-shap", target=CLASSES, samples=5).raw)
    second = lens.explain(X[1:], "gradient-shap", target=CLASSES[1], samples=5)
    np.testing.assert_allclose(both.raw[1], second.raw[0], atol=1e-5)
    other = lens.explain(X, "gradient-shap", target=CLASSES, samples=5, seed=1)
    assert np.abs(both.raw - other.raw).max() > 1e-3


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("integrated-gradients", {"steps": 0}, "steps is a positive integer, not 0"),
        ("integrated-gradients", {"rule": "simpson"}, "gauss-legendre or midpoint, not 'simpson'"),
        ("integrated-gradients", {"baseline": "grey"}, "no baseline 'grey'"),
        ("gradient-shap", {"samples": 2.5}, "samples of method gradient-shap is a whole number, not 2.5"),
        ("gradient-shap", {"references": np.zeros((4, 5))}, r"of shape \(6,\).*\(4, 5\) is not"),
    ],
)
def test_options_that_do_not_fit(method: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Inspector(linear()).explain(FEATURES, method, target=0, **options)


@pytest.mark.parametrize("method", ["integrated-gradients", "gradient-shap", "deeplift", "smoothgrad", "lrp"])
def test_pictures_of_bytes_are_taken_behind_their_cast(method: str) -> None:
    proto = network()
    proto.graph.input[0].CopyFrom(
        helper.make_tensor_value_info("bytes", TensorProto.UINT8, ["batch", 3, 8, 8])
    )
    proto.graph.node.insert(0, helper.make_node("Cast", ["bytes"], ["image"], to=TensorProto.FLOAT))
    x = np.random.default_rng(0).integers(0, 9, size=(2, 3, 8, 8), dtype=np.uint8)
    options: dict[str, Any] = {"samples": 4} if method in ("gradient-shap", "smoothgrad") else {}
    there = Inspector(proto).explain(x, method, target=CLASSES, **options)
    here = Inspector(network()).explain(x.astype(np.float32), method, target=CLASSES, **options)
    np.testing.assert_allclose(there.raw, here.raw, atol=1e-5 * np.abs(here.raw).max())
    assert any("holds uint8, which has no gradient" in note for note in there.notes)


def test_two_inputs() -> None:
    """The other one stays as it is."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["scored"]),
        helper.make_node("Mul", ["scored", "by"], ["logits"]),
    ]
    lens = Inspector(model(nodes, {"x": ["n", 6], "by": ["n", 3]}, {"logits": ["n", 3]}, {"w": W}))
    by = normal(2, 3, scale=1)
    for method in ("integrated-gradients", "deeplift"):
        found = lens.explain({"x": FEATURES, "by": by}, method, target=1, baseline=0.5)
        np.testing.assert_allclose(found.raw, (FEATURES - 0.5) * W[:, 1] * by[:, 1:2], atol=1e-6)

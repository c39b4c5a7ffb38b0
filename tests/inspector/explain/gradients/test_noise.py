"""Gradients at noisy inputs: closed forms, and their definitions in float64."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper

from inspector import Inspector
from inspector.errors import InputError
from inspector.explain import Subject
from inspector.explain.gradients.noise import moments
from inspector.objectives import find_entry
from tests.inspector.explain.rectified import CLASSES, X, gradients, network
from tests.inspector.graphs import model, normal

SAMPLES = 4000
W = normal(3, 4, scale=1)
PICTURES = normal(2, 3, 5, 4, scale=1)


def squares() -> onnx.ModelProto:
    """The score of class k is the mean over the places of sum over c of w[c, k] x[c] ** 2 / 2."""
    nodes = [
        helper.make_node("Mul", ["x", "x"], ["square"]),
        helper.make_node("GlobalAveragePool", ["square"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["twice"]),
        helper.make_node("Mul", ["twice", "half"], ["logits"]),
    ]
    half = np.array(0.5, np.float32)
    return model(nodes, {"x": ["n", 3, 5, 4]}, {"logits": ["n", 4]}, {"w": W, "half": half})


@pytest.mark.parametrize("noise", [0.15, 0.4])
def test_mean_variance_and_mean_square_of_a_known_slope(noise: float) -> None:
    """The slope is w x / 20; with noise of standard deviation s it has mean w x / 20, variance (w s / 20) ** 2."""
    lens = Inspector(squares())
    spread = noise * np.ptp(PICTURES.reshape(2, -1), axis=1).reshape(2, 1, 1, 1)
    w = (W[:, 2] / 20).reshape(1, 3, 1, 1)
    shape = PICTURES.shape
    mean, variance = w * PICTURES, np.broadcast_to((w * spread) ** 2, shape)
    square = mean**2 + variance
    # five standard errors of the estimates of a mean, a variance and a mean square from normal numbers
    errors = {
        "smoothgrad": (np.abs(mean), np.sqrt(variance)),
        "vargrad": (variance, np.sqrt(2) * variance),
        "squaregrad": (square, np.sqrt(2 * variance**2 + 4 * mean**2 * variance)),
    }
    for method, (exact, deviation) in errors.items():
        found = lens.explain(PICTURES, method, target=2, noise=noise, samples=SAMPLES, batch=500)
        allowed = 5 * deviation.max(axis=1) / np.sqrt(SAMPLES)
        assert (np.abs(found.raw - exact.max(axis=1)) <= allowed).all(), method
        assert not found.signed
        assert found.check is None


def test_without_noise_there_is_the_gradient_and_no_variance() -> None:
    lens = Inspector(network())
    _, gradient = gradients(X)
    largest = np.abs(gradient).max(axis=1)
    smooth = lens.explain(X, "smoothgrad", target=CLASSES, noise=0, samples=2)
    np.testing.assert_allclose(smooth.raw, largest, atol=1e-5 * largest.max())
    square = lens.explain(X, "squaregrad", target=CLASSES, noise=0, samples=2)
    np.testing.assert_allclose(square.raw, largest**2, atol=1e-5 * largest.max() ** 2)
    assert lens.explain(X, "vargrad", target=CLASSES, noise=0, samples=2).raw.max() <= 1e-12


def test_the_definition() -> None:
    random = np.random.default_rng(2)
    variants = [
        (row, (X[row] + random.normal(size=X.shape[1:])).astype(np.float32)) for row in [0] * 7 + [1] * 7
    ]
    lens = Inspector(network())
    objective = lens._objective({"image": X}, CLASSES, "logit")
    entry = find_entry(lens.evaluator, objective.tensors)
    subject = Subject(lens.evaluator, {"image": X}, objective, entry.tensor, batch=4)
    mean, square = moments(subject, variants, 7)
    slopes = np.zeros((2, 7, *X.shape[1:]))
    for number, (row, array) in enumerate(variants):
        slopes[row, number % 7] = gradients(np.stack([array, array]))[1][row]
    np.testing.assert_allclose(mean, slopes.mean(axis=1), atol=1e-5 * np.abs(slopes).max())
    np.testing.assert_allclose(square, (slopes**2).mean(axis=1), atol=1e-5 * np.abs(slopes).max() ** 2)


def test_seeds_and_batches() -> None:
    lens = Inspector(network())
    both = lens.explain(X, "smoothgrad", target=CLASSES, samples=5)
    np.testing.assert_array_equal(both.raw, lens.explain(X, "smoothgrad", target=CLASSES, samples=5).raw)
    second = lens.explain(X[1:], "smoothgrad", target=CLASSES[1], samples=5, batch=2)
    np.testing.assert_allclose(both.raw[1], second.raw[0], atol=1e-5 * both.raw.max())
    other = lens.explain(X, "smoothgrad", target=CLASSES, samples=5, seed=1)
    assert np.abs(both.raw - other.raw).max() > 1e-3


def test_options_that_do_not_fit() -> None:
    lens = Inspector(network())
    with pytest.raises(InputError, match="noise is a number from 0 upwards, not -1"):
        lens.explain(X, "vargrad", target=CLASSES, noise=-1)
    with pytest.raises(InputError, match="samples is a positive integer, not 0"):
        lens.explain(X, "squaregrad", target=CLASSES, samples=0)

"""LIME and kernel SHAP against the definitions that they estimate."""

from __future__ import annotations

from itertools import permutations, product
from math import comb
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

from inspector import Inspector
from inspector.errors import InputError
from inspector.explain.perturbation.coalitions import shapley_coalitions
from tests.inspector.explain.perturbation.models import function, linear, linear_terms, token_terms, tokens
from tests.inspector.graphs import normal

TOLERANCE = 1e-5
SHAPES = {"signal": (2, 8), "picture": (3, 6, 4), "volume": (1, 4, 2, 6)}


def interacting() -> Inspector:
    """Y = x0 x1 x2 + 2 x3 x4 - x5, of six numbers."""
    nodes = [
        helper.make_node("Split", ["x"], [f"x{n}" for n in range(6)], axis=1, num_outputs=6),
        helper.make_node("Mul", ["x0", "x1"], ["pair"]),
        helper.make_node("Mul", ["pair", "x2"], ["triple"]),
        helper.make_node("Mul", ["x3", "x4"], ["other"]),
        helper.make_node("Mul", ["other", "two"], ["twice"]),
        helper.make_node("Add", ["triple", "twice"], ["sum"]),
        helper.make_node("Sub", ["sum", "x5"], ["y"]),
    ]
    return function(nodes, 6, {"two": np.array([2.0], np.float32)})


def value(x: NDArray[np.float64]) -> float:
    return float(x[0] * x[1] * x[2] + 2 * x[3] * x[4] - x[5])


def shapley_values(x: NDArray[np.float64], baseline: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each number adds, averaged over all orders in which they appear."""
    found = np.zeros(len(x))
    orders = list(permutations(range(len(x))))
    for order in orders:
        here = baseline.copy()
        for number in order:
            before = value(here)
            here[number] = x[number]
            found[number] += value(here) - before
    return found / len(orders)


X = normal(2, 6, scale=1)
BASELINE = 0.3


def test_shapley_values_of_a_function_with_interactions() -> None:
    explained = interacting().explain(X, "kernel-shap", target="y[0]", baseline=BASELINE, samples=62)
    for row in range(2):
        expected = shapley_values(X[row].astype(float), np.full(6, BASELINE))
        np.testing.assert_allclose(explained.raw[row], expected, atol=TOLERANCE)
    np.testing.assert_allclose(explained.measures["baseline score"], value(np.full(6, BASELINE)), rtol=1e-6)


@pytest.mark.parametrize("samples", [2, 5, 12, 20, 40])
def test_shapley_values_sum_to_the_gain_however_few_the_samples(samples: int) -> None:
    explained = interacting().explain(X, "kernel-shap", target="y[0]", baseline=BASELINE, samples=samples)
    gain = explained.score - value(np.full(6, BASELINE))
    # to the rounding of single precision in which scores and maps are handed out
    np.testing.assert_allclose(explained.raw.sum(axis=1), gain, atol=1e-6)


@pytest.mark.parametrize("samples", [14, 24, 40])
def test_shapley_values_of_some_coalitions_are_the_constrained_regression(samples: int) -> None:
    """Minimise sum w (y - f(0) - z v)^2 under sum v = gain: the linear system with a Lagrange multiplier."""
    explained = interacting().explain(
        X, "kernel-shap", target="y[0]", baseline=BASELINE, samples=samples, seed=4
    )
    kept, weights = shapley_coalitions(6, samples, seed=4)
    z = kept.astype(float)
    system = np.block([[z.T @ (weights[:, None] * z), np.ones((6, 1))], [np.ones((1, 6)), np.zeros((1, 1))]])
    for row in range(2):
        x = X[row].astype(float)
        empty = value(np.full(6, BASELINE))
        gains = np.array([value(np.where(line, x, BASELINE)) for line in kept]) - empty
        known = np.append(z.T @ (weights * gains), value(x) - empty)
        np.testing.assert_allclose(explained.raw[row], np.linalg.solve(system, known)[:6], atol=TOLERANCE)


@pytest.mark.parametrize("count", [2, 3, 7, 10])
@pytest.mark.parametrize("samples", [2, 10, 50, 2000])
def test_coalitions_are_paired_and_weigh_what_theorem_2_says(count: int, samples: int) -> None:
    kept, weights = shapley_coalitions(count, samples, seed=0)
    assert len(kept) <= samples
    sizes = kept.sum(axis=1)
    assert ((sizes > 0) & (sizes < count)).all()
    lines = {tuple(line) for line in kept}
    assert lines == {tuple(~np.array(line)) for line in lines}
    np.testing.assert_allclose(weights.sum(), 1 if len(kept) else 0)
    if samples >= 2**count - 2:
        assert len(lines) == 2**count - 2
        per_size = [weights[sizes == size] for size in range(1, count)]
        kernel = [(count - 1) / (comb(count, s) * s * (count - s)) for s in range(1, count)]
        for each, expected in zip(per_size, np.array(kernel) / kernel[0], strict=True):
            np.testing.assert_allclose(each / per_size[0][0], expected)


def test_the_share_of_each_size_among_drawn_coalitions() -> None:
    count, samples = 12, 3000
    kept, weights = shapley_coalitions(count, samples, seed=1)
    sizes = kept.sum(axis=1)
    mass = 1 / (np.arange(1, count) * (count - np.arange(1, count)))
    mass /= mass.sum()
    found = np.array([weights[sizes == size].sum() for size in range(1, count)])
    # five standard deviations of a share among as many pairs as are drawn
    np.testing.assert_allclose(found, mass, atol=5 * np.sqrt(0.25 / (samples / 4)))
    members = (kept * weights[:, None]).sum(axis=0)
    np.testing.assert_allclose(members, 0.5)


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("method", ["lime", "kernel-shap"])
def test_of_a_linear_model_both_give_what_each_segment_adds(method: str, kind: str) -> None:
    shape = SHAPES[kind]
    lens, x = linear(*shape), normal(2, *shape, scale=1)
    terms = linear_terms(x, 0.5, 1).sum(axis=1)
    options: dict[str, Any] = {"ridge": 0.0} if method == "lime" else {}
    labels = np.random.default_rng(0).integers(0, 9, size=(2, *shape[1:]))
    for segments, samples in ((labels, 4000), (labels, 60)):
        explained = lens.explain(
            x, method, target=1, segments=segments, samples=samples, baseline=0.5, **options
        )
        expected = np.zeros_like(terms)
        for row, number in product(range(2), range(9)):
            part = labels[row] == number
            expected[row][part] = terms[row][part].sum()
        np.testing.assert_allclose(explained.raw, expected, atol=20 * TOLERANCE)
    if method == "lime":
        np.testing.assert_allclose(explained.measures["r2"], 1, atol=1e-6)


@pytest.mark.parametrize("method", ["lime", "kernel-shap"])
def test_tokens(method: str) -> None:
    ids = np.random.default_rng(0).integers(1, 20, size=(3, 7))
    options: dict[str, Any] = {"ridge": 0.0} if method == "lime" else {}
    expected = token_terms(ids, 2) - token_terms(np.full_like(ids, 5), 2)
    explained = tokens(7).explain(ids, method, target=2, baseline=5, **options)
    np.testing.assert_allclose(explained.raw, expected, atol=20 * TOLERANCE)


@pytest.mark.parametrize("distance", ["cosine", "l2"])
def test_lime_is_the_weighted_ridge_regression(distance: str) -> None:
    """All 64 choices of six numbers, and the normal equations with an intercept."""
    width, penalty = 0.4, 0.7
    explained = interacting().explain(
        X, "lime", target="y[0]", samples=64, distance=distance, width=width, ridge=penalty, baseline=BASELINE
    )
    kept = np.array(list(product((0.0, 1.0), repeat=6)))
    ones = np.ones(6)
    norms = np.linalg.norm(kept, axis=1)
    far = {
        "cosine": 1 - np.divide(kept @ ones, norms * np.sqrt(6), out=np.zeros(64), where=norms > 0),
        "l2": np.linalg.norm(kept - ones, axis=1) / np.sqrt(6),
    }[distance]
    weight = np.sqrt(np.exp(-(far**2) / width**2))
    design = np.column_stack([kept, np.ones(64)])
    penalties = np.diag([penalty] * 6 + [0.0])
    for row in range(2):
        scores = np.array([value(np.where(line > 0, X[row], BASELINE)) for line in kept])
        normal_matrix = design.T @ (weight[:, None] * design) + penalties
        solution = np.linalg.solve(normal_matrix, design.T @ (weight * scores))
        np.testing.assert_allclose(explained.raw[row], solution[:6], atol=TOLERANCE)
        level = np.average(scores, weights=weight)
        left = (weight * (scores - design @ solution) ** 2).sum() / (weight * (scores - level) ** 2).sum()
        np.testing.assert_allclose(explained.measures["r2"][row], 1 - left, atol=TOLERANCE)


@pytest.mark.parametrize("method", ["lime", "kernel-shap"])
def test_a_seed_gives_the_same_map_and_another_another(method: str) -> None:
    lens, x = linear(3, 6, 4), normal(1, 3, 6, 4, scale=1)
    options: dict[str, Any] = {"segments": 4, "samples": 30, "target": 0}
    first, again, other = (lens.explain(x, method, seed=seed, **options) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.raw, again.raw)
    assert (first.raw != other.raw).any()


def test_one_segment_gets_the_whole_gain() -> None:
    lens, x = linear(3, 6, 4), normal(2, 3, 6, 4, scale=1)
    explained = lens.explain(x, "kernel-shap", target=0, segments=1)
    gain = linear_terms(x, 0, 0).reshape(2, -1).sum(axis=1)
    np.testing.assert_allclose(explained.raw, np.broadcast_to(gain[:, None, None], (2, 6, 4)), rtol=1e-4)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("lime", {"distance": "manhattan"}),
        ("lime", {"width": 0.0}),
        ("lime", {"samples": 1}),
        ("lime", {"ridge": -1.0}),
        ("kernel-shap", {"samples": 1}),
    ],
)
def test_options_that_do_not_fit(method: str, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"^{method} "):
        interacting().explain(X, method, target="y[0]", **options)

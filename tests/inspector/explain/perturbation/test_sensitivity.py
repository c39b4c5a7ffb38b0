"""Sobol' indices and HSIC against functions whose sensitivities are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from inspector import Inspector
from inspector.errors import InputError
from inspector.explain.perturbation.sensitivity import dependence, total_indices
from inspector.explain.perturbation.sequence import sobol_sequence
from tests.inspector.explain.perturbation.models import function, linear, linear_terms, tokens
from tests.inspector.graphs import model, normal


def ishigami() -> Inspector:
    """Y = sin x0 + 7 sin^2 x1 + x2^4 sin(x0) / 10 (Ishigami & Homma, 1990)."""
    nodes = [
        helper.make_node("Split", ["x"], ["x0", "x1", "x2"], axis=1, num_outputs=3),
        helper.make_node("Sin", ["x0"], ["s0"]),
        helper.make_node("Sin", ["x1"], ["s1"]),
        helper.make_node("Mul", ["s1", "s1"], ["square"]),
        helper.make_node("Mul", ["square", "seven"], ["second"]),
        helper.make_node("Pow", ["x2", "four"], ["power"]),
        helper.make_node("Mul", ["power", "tenth"], ["part"]),
        helper.make_node("Mul", ["part", "s0"], ["third"]),
        helper.make_node("Sum", ["s0", "second", "third"], ["y"]),
    ]
    numbers = {"seven": 7.0, "four": 4.0, "tenth": 0.1}
    return function(nodes, 3, {name: np.array([each], np.float32) for name, each in numbers.items()})


def test_the_total_indices_of_the_ishigami_function() -> None:
    # between the baseline -pi and pi masks uniform in [0, 1] are numbers uniform in [-pi, pi]
    x = np.full((1, 3), np.pi, dtype=np.float32)
    explained = ishigami().explain(x, "sobol", target="y[0]", baseline=-np.pi, designs=4096, batch=512)
    a, b = 7.0, 0.1
    first = (1 + b * np.pi**4 / 5) ** 2 / 2
    second = a**2 / 8
    both = b**2 * np.pi**8 * (1 / 18 - 1 / 50)
    variance = first + second + both
    np.testing.assert_allclose(explained.measures["variance"], variance, rtol=0.02)
    # the error of quasi-random integration at 4096 points, well below a hundredth
    expected = np.array([first + both, second, both]) / variance
    np.testing.assert_allclose(explained.raw[0], expected, atol=0.01)


def test_the_total_indices_of_a_linear_model() -> None:
    lens, x = linear(3, 6, 4), normal(2, 3, 6, 4, scale=1)
    explained = lens.explain(x, "sobol", target=1, segments=(3, 2), baseline=0.25, designs=1024, batch=256)
    terms = linear_terms(x, 0.25, 1).sum(axis=1)
    parts = terms.reshape(2, 3, 2, 2, 2).sum(axis=(2, 4))
    share = parts**2 / (parts**2).sum(axis=(1, 2), keepdims=True)
    expected = share.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_allclose(explained.raw, expected, atol=0.01)
    # the variance of a uniform number is a twelfth
    np.testing.assert_allclose(explained.measures["variance"], (parts**2).sum(axis=(1, 2)) / 12, rtol=0.02)


def test_jansens_estimator_by_hand() -> None:
    scores = np.array([[1.0, 2.0, 4.0], [1.0, 2.0, 4.0], [0.0, 4.0, 1.0]])
    indices, variance = total_indices(scores)
    assert variance == pytest.approx(7 / 3)
    np.testing.assert_allclose(indices, [0, (1 + 4 + 9) / 6 / (7 / 3)])


def test_a_constant_score_has_no_variance_to_share() -> None:
    nodes = [
        helper.make_node("ReduceSum", ["x", "axis"], ["sum"], keepdims=1),
        helper.make_node("Mul", ["sum", "zero"], ["y"]),
    ]
    proto = model(nodes, {"x": ["n", 6]}, {"y": ["n", 1]}, {"zero": np.zeros(1, np.float32)})
    proto.graph.initializer.append(helper.make_tensor("axis", TensorProto.INT64, [1], [1]))
    for method in ("sobol", "hsic"):
        explained = Inspector(proto).explain(normal(2, 6), method, target="y[0]")
        assert not explained.raw.any()
        assert len(explained.notes) == 2
        assert "the map is zero everywhere" in explained.notes[0]


@pytest.mark.parametrize("dimensions", [1, 2, 40])
def test_of_two_to_the_k_points_one_lies_in_each_cell_along_each_axis(dimensions: int) -> None:
    for count in (1, 2, 32, 128):
        points = sobol_sequence(count, dimensions, seed=3)
        assert points.shape == (count, dimensions)
        cells = np.sort((points * count).astype(int), axis=0)
        np.testing.assert_array_equal(cells, np.repeat(np.arange(count)[:, None], dimensions, axis=1))


def test_the_first_two_dimensions_are_a_net() -> None:
    """Every box of an area of 1/64 whose sides are powers of two holds one of 64 points (Niederreiter, 1987)."""
    points = sobol_sequence(64, 2, seed=1)
    for rows in range(7):
        cells = (points * [2**rows, 2 ** (6 - rows)]).astype(int)
        assert len({tuple(cell) for cell in cells}) == 64


def test_no_two_of_many_dimensions_tell_the_same() -> None:
    points = sobol_sequence(64, 242, seed=0)
    correlation = np.asarray(np.corrcoef(points.T))
    np.fill_diagonal(correlation, 0)
    assert np.abs(correlation).max() < 0.999
    # on average they are as little correlated as random ones, whose coefficient has the variance 1 / 63
    assert (correlation**2).mean() < 2 / 63


def hsic_by_definition(mask: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """tr(K H L H) / (n - 1)^2, matrix by matrix."""
    n = len(mask)
    k = np.array([[float(a == b) - 0.5 for a in mask] for b in mask])
    distances = np.array([[abs(a - b) for a in score] for b in score])
    width = np.median([distances[i, j] for i in range(n) for j in range(i)])
    gram = np.exp(-(distances**2) / (2 * width**2))
    h = np.eye(n) - 1 / n
    return float(np.trace(k @ h @ gram @ h) / (n - 1) ** 2)


def test_dependence_is_the_criterion_of_its_definition() -> None:
    random = np.random.default_rng(0)
    masks = random.random((31, 5)) < 0.4
    score = random.normal(size=31) + 2 * masks[:, 1]
    expected = [hsic_by_definition(column, score) for column in masks.T]
    np.testing.assert_allclose(dependence(masks, score), expected, rtol=1e-10)


def test_hsic_of_a_score_that_reads_one_segment() -> None:
    """Half of the scores are 0, half are a; the median distance is a, so that unlike ones are alike by exp(-1/2)."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    lens = function(nodes, 6, {"w": np.array([[0], [0], [3], [0], [0], [0]], np.float32)})
    x = np.ones((1, 6), dtype=np.float32)
    n = 200
    explained = lens.explain(x, "hsic", target="y[0]", samples=n)
    expected = (1 - np.exp(-0.5)) * n**2 / (4 * (n - 1) ** 2)
    assert explained.raw[0, 2] == pytest.approx(expected, rel=1e-5)
    # the others are independent of the score: (1 - e) / 4 times a squared correlation of variance 1 / n
    assert explained.raw[0, [0, 1, 3, 4, 5]].max() < expected * 25 / n


@pytest.mark.parametrize("method", ["sobol", "hsic"])
def test_tokens_are_seen_or_not(method: str) -> None:
    ids = np.random.default_rng(0).integers(1, 20, size=(2, 7))
    explained = tokens(7).explain(ids, method, target=1, baseline=4, seed=2)
    assert explained.raw.shape == (2, 7)
    assert not explained.signed
    assert explained.heatmap.max() == 1
    # a token that is the baseline changes nothing
    ids[0, 3] = 4
    again = tokens(7).explain(ids, "sobol", target=1, baseline=4)
    assert again.raw[0, 3] == 0


@pytest.mark.parametrize(("method", "options"), [("sobol", {"designs": 1}), ("hsic", {"samples": 1})])
def test_options_that_do_not_fit(method: str, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"^{method} takes at least 2"):
        ishigami().explain(normal(1, 3), method, target="y[0]", **options)

"""Grad-CAM++ by the paper's own equations, in double precision."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector import Inspector
from inspector.explain.cams.weighted import gradcam_plus_plus
from tests.inspector.explain.cams.references import Double, gradient
from tests.inspector.graphs import cnn, cnn_weights, images, normal

X = images(3)
CLASSES = [1, 7, 4]


def plus_plus(a: Double, g: Double, score: float) -> Double:
    """One sample; Y = exp(S): its derivatives are exp(S) g, exp(S) g^2, exp(S) g^3 where S is piecewise linear."""
    y = np.exp(score)
    total = np.zeros(a.shape[1:])
    for channel, first in zip(a, g, strict=True):
        second, third = y * first**2, y * first**3
        bottom = 2 * second + channel.sum() * third
        alpha = np.divide(second, bottom, out=np.zeros_like(second), where=bottom != 0)
        total += (alpha * np.maximum(y * first, 0)).sum() * channel
    return np.maximum(total, 0)


@pytest.mark.parametrize("layer", ["relu", "max_pool"])
def test_the_derivatives_of_the_exponential_of_the_score(layer: str) -> None:
    explained = Inspector(cnn()).explain(X, "gradcam++", target=CLASSES, layer=layer)
    a, g = gradient(X, layer, CLASSES)
    for sample, score in enumerate(explained.score):
        expected = plus_plus(a[sample], g[sample], float(score)) / np.exp(float(score))
        assert expected.max() > 0
        np.testing.assert_allclose(explained.map[sample], expected, atol=2e-5 * expected.max())


def test_a_score_of_hundreds_overflows_the_exponential_but_not_the_map() -> None:
    weights = cnn_weights()
    weights["fc.bias"] = weights["fc.bias"] + np.float32(500)
    lens = Inspector(cnn(weights=weights))
    explained = lens.explain(X, "gradcam++", target=CLASSES, layer="relu")
    assert (explained.score > 400).all()
    with np.errstate(over="ignore"):
        assert np.isinf(np.exp(explained.score)).all()
    # a bias moves no gradient: the map is that of the small score
    small = Inspector(cnn()).explain(X, "gradcam++", target=CLASSES, layer="relu")
    np.testing.assert_allclose(explained.map, small.map, atol=1e-6 * small.map.max())


def test_places_without_a_gradient_have_no_weight_and_a_pole_none_either() -> None:
    activations: NDArray[np.float32] = normal(1, 2, 3, 3, scale=1)
    activations[0, 1] = np.float32(-1 / 9)
    gradient_there = np.zeros_like(activations)
    assert not gradcam_plus_plus(activations, gradient_there).any()
    # channel 1 sums to -1 and has the gradient 2: 2 + 2 * -1 = 0
    gradient_there[0, 1] = 2
    found = gradcam_plus_plus(activations, gradient_there)
    assert np.isfinite(found).all()

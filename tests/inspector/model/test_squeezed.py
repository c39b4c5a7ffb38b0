"""Shapes behind a Squeeze that names no axes: which it drops depends on the batch that is fed."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from inspector import Inspector
from tests.inspector.graphs import model, normal


def squeezed() -> Inspector:
    """(batch, 1, 6) @ (6, 4), squeezed, and its halves put together again, the first doubled."""
    weights = {"weight": normal(6, 4), "two": np.array(2, dtype=np.float32)}
    weights |= {name: np.array([place], dtype=np.int64) for name, place in (("a", 0), ("b", 2), ("c", 4))}
    nodes = [
        helper.make_node("MatMul", ["x", "weight"], ["product"]),
        helper.make_node("Squeeze", ["product"], ["squeezed"]),
        helper.make_node("Sigmoid", ["squeezed"], ["gates"]),
        helper.make_node("Slice", ["gates", "a", "b"], ["first"]),
        helper.make_node("Slice", ["gates", "b", "c"], ["second"]),
        helper.make_node("Mul", ["first", "two"], ["doubled"]),
        helper.make_node("Concat", ["doubled", "second"], ["scores"], axis=0),
    ]
    return Inspector(model(nodes, {"x": ["batch", 1, 6]}, {"scores": ["batch"]}, weights))


def test_the_shape_is_left_open() -> None:
    lens = squeezed()
    for name in ("squeezed", "gates", "doubled"):
        tensor = lens.model.tensor(name)
        assert tensor is not None
        assert tensor.shape is None
    product = lens.model.tensor("product")
    assert product is not None
    assert product.shape == ("batch", 1, 4)


@pytest.mark.parametrize("place", [1, 3])
def test_the_gradient_of_a_batch_of_one(place: int) -> None:
    lens = squeezed()
    x = normal(1, 1, 6, seed=2)
    gates = 1 / (1 + np.exp(-(x @ normal(6, 4)).ravel().astype(np.float64)))
    wanted = (2 if place < 2 else 1) * (gates * (1 - gates))[place] * normal(6, 4)[:, place]
    target = f"scores[{place}]"
    np.testing.assert_allclose(lens.gradient(x, target).ravel(), wanted, rtol=1e-5)
    assert lens.check(x, target).passed

"""Outputs with a row per graph, fed as nodes: against NumPy and finite differences by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

from inspector import Inspector
from inspector.errors import TargetError
from tests.inspector.graphs import Dims, model, normal

NODES = np.random.default_rng(3).normal(size=(7, 4)).astype(np.float32)
GRAPH = np.array([0, 0, 1, 1, 1, 2, 2])
FEEDS = {"nodes": NODES, "membership": (np.arange(3)[:, None] == GRAPH).astype(np.float32)}


def pooled() -> Inspector:
    """Each node's row through a smooth layer, summed over the nodes of its graph: (nodes, 4) -> (graphs, 5)."""
    nodes = [
        helper.make_node("MatMul", ["nodes", "weight"], ["product"]),
        helper.make_node("Tanh", ["product"], ["features"]),
        helper.make_node("MatMul", ["membership", "features"], ["pooled"]),
    ]
    inputs: dict[str, Dims] = {"nodes": ["nodes", 4], "membership": ["graphs", "nodes"]}
    return Inspector(model(nodes, inputs, {"pooled": ["graphs", 5]}, {"weight": normal(4, 5)}))


def truth(nodes: NDArray[Any]) -> NDArray[np.float64]:
    found = np.zeros((3, 5))
    np.add.at(found, GRAPH, np.tanh(nodes @ normal(4, 5).astype(np.float64)))
    return found


def test_each_rows_own_class_is_summed() -> None:
    explained = pooled().explain(FEEDS, method="saliency")
    np.testing.assert_allclose(explained.score, [truth(NODES).max(axis=1).sum()], rtol=1e-6)
    (said,) = explained.target
    assert said == f"pooled={truth(NODES)[0].argmax()} in the first row, and those of 2 more"


def test_the_gradient_of_one_class_in_all_rows() -> None:
    lens = pooled()
    found = lens.gradient(FEEDS, target=2, wrt="nodes")
    features = np.tanh(NODES.astype(np.float64) @ normal(4, 5).astype(np.float64))
    wanted: NDArray[np.float64] = (1 - features[:, 2:3] ** 2) * normal(4, 5)[:, 2]
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    assert lens.check(FEEDS, target=2).passed


def test_one_target_for_each_row() -> None:
    lens = pooled()
    explained = lens.explain(FEEDS, method="saliency", target=[0, 1, 2])
    np.testing.assert_allclose(explained.score, [np.trace(truth(NODES))], rtol=1e-6)
    with pytest.raises(TargetError, match="7 targets are given for 3"):
        lens.explain(FEEDS, target=[0] * 7)

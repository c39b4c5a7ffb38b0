"""Rollouts over words: token ids in, a number for each out."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from inspector import Inspector
from tests.inspector.graphs import model, normal

LENGTH, WIDTH, WORDS = 6, 8, 20


def reader(causal: bool) -> Inspector:
    """One layer of attention with one head over embedded words; logits for the next word after each."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["words"]),
        helper.make_node("MatMul", ["words", "q"], ["queries"]),
        helper.make_node("MatMul", ["words", "k"], ["keys"]),
        helper.make_node("Transpose", ["keys"], ["turned"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["queries", "turned"], ["scores"]),
        helper.make_node("Add", ["scores", "mask"], ["masked"]),
        helper.make_node("Softmax", ["masked"], ["attention"], axis=-1),
        helper.make_node("MatMul", ["attention", "words"], ["read"]),
        helper.make_node("Add", ["words", "read"], ["sum"]),
        helper.make_node("MatMul", ["sum", "w"], ["logits"]),
    ]
    weights = {
        "table": normal(WORDS, WIDTH, scale=1),
        "q": normal(WIDTH, WIDTH, seed=1),
        "k": normal(WIDTH, WIDTH, seed=2),
        "w": normal(WIDTH, WORDS),
        "mask": np.triu(np.full((LENGTH, LENGTH), -1e9 if causal else 0.0, np.float32), 1),
    }
    proto = model(nodes, {"ids": ["n", LENGTH]}, {"logits": ["n", LENGTH, WORDS]}, weights)
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    return Inspector(proto)


def matrices(ids: NDArray[np.int64], causal: bool) -> NDArray[np.float64]:
    words = normal(WORDS, WIDTH, scale=1)[ids].astype(np.float64)
    q, k = (normal(WIDTH, WIDTH, seed=seed).astype(np.float64) for seed in (1, 2))
    scores = words @ q @ (words @ k).transpose(0, 2, 1)
    scores = np.where(causal & (np.arange(LENGTH)[:, None] < np.arange(LENGTH)), -np.inf, scores)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("position", [0, 3, 5])
def test_the_row_is_that_of_the_position_whose_score_is_asked_for(causal: bool, position: int) -> None:
    ids = np.random.default_rng(0).integers(0, WORDS, size=(2, LENGTH))
    lens = reader(causal)
    attention = matrices(ids, causal)
    explained = lens.explain(ids, "attention-rollout", target=f"logits[{position}, 4]")
    expected = (0.5 * attention + 0.5 * np.eye(LENGTH))[:, position]
    np.testing.assert_allclose(explained.raw, expected, rtol=1e-5, atol=1e-7)
    assert explained.heatmap.shape == (2, LENGTH)
    if causal:
        assert not explained.raw[:, position + 1 :].any()
    # the score reads position's row alone: its gradient at A[position, t] is what the word t adds
    weighted = lens.explain(ids, "gradient-rollout", target=f"logits[{position}, 4]")
    words = normal(WORDS, WIDTH, scale=1)[ids].astype(np.float64)
    gradient = words @ normal(WIDTH, WORDS)[:, 4].astype(np.float64)
    by_hand = np.maximum(attention[:, position] * gradient, 0)
    np.testing.assert_allclose(weighted.raw, by_hand, atol=1e-5 * by_hand.max())

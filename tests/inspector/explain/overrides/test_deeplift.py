"""DeepLIFT: its definition layer by layer in float64, closed forms, and attributions that add up."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from inspector import Inspector
from inspector.errors import InputError, NotDifferentiable
from inspector.explain.gradients.integrated import noise
from tests.inspector.explain.rectified import CLASSES, WEIGHTS, X, functional, network, torch
from tests.inspector.graphs import model, normal

Array = NDArray[np.float64]
START = 0.25


def multipliers(z: Array, z0: Array, y: Array, y0: Array, slope: Array) -> Array:
    """The rescale rule: equation 8 of the paper, and the derivative where nothing changes."""
    still = np.abs(z - z0) < 1e-10
    return np.where(still, slope, (y - y0) / np.where(still, 1, z - z0))


def by_definition(x: Array, x0: Array, target: int) -> Array:
    """The contributions of the pixels to the score of the network of `rectified`, one sample."""
    w = {name: torch.tensor(array.astype(np.float64)) for name, array in WEIGHTS.items()}

    def run(image: Array) -> list[Array]:
        conv1 = functional.conv2d(torch.tensor(image)[None], w["w1"], w["b1"])
        conv2 = functional.conv2d(conv1.relu(), w["w2"], w["b2"])
        clipped = conv2.clamp(0, 6)
        pooled = functional.max_pool2d(clipped, 2)
        dense = pooled.flatten(1) @ w["w3"].T + w["b3"]
        return [np.asarray(each[0]) for each in (conv1, conv2, clipped, pooled, dense)]

    (conv1, conv2, clip, pool, dense), (conv1_, conv2_, clip_, pool_, dense_) = run(x), run(x0)
    m = np.asarray(w["w4"][target])
    m = m * multipliers(dense, dense_, np.maximum(dense, 0), np.maximum(dense_, 0), dense > 0)
    m = (m @ np.asarray(w["w3"])).reshape(5, 2, 2)
    # of each window: up to the larger of both maxima for the winner here, down from it for the winner there
    shares = np.zeros((5, 4, 4))
    plain = np.zeros((5, 4, 4))
    for c, i, j in np.ndindex(5, 2, 2):
        window = (c, slice(2 * i, 2 * i + 2), slice(2 * j, 2 * j + 2))
        here, there = (np.unravel_index(each[window].argmax(), (2, 2)) for each in (clip, clip_))
        top = max(pool[c, i, j], pool_[c, i, j])
        shares[window][here] += m[c, i, j] * (top - pool_[c, i, j])
        shares[window][there] += m[c, i, j] * (pool[c, i, j] - top)
        plain[window][here] += m[c, i, j]
    still = np.abs(clip - clip_) < 1e-10
    m = np.where(still, plain, shares / np.where(still, 1, clip - clip_))
    inside = (conv2 > 0) & (conv2 < 6)
    m = m * multipliers(conv2, conv2_, clip, clip_, inside.astype(float))
    m = np.asarray(functional.conv_transpose2d(torch.tensor(m)[None], w["w2"]))[0]
    m = m * multipliers(conv1, conv1_, np.maximum(conv1, 0), np.maximum(conv1_, 0), conv1 > 0)
    m = np.asarray(functional.conv_transpose2d(torch.tensor(m)[None], w["w1"]))[0]
    return m * (x - x0)


@pytest.mark.parametrize("batch", ["batch", 1, 2])
def test_the_definition(batch: int | str) -> None:
    x = X.astype(np.float64)
    expected = np.stack(
        [by_definition(each, np.full(each.shape, START), c) for each, c in zip(x, CLASSES, strict=True)]
    )
    found = Inspector(network(batch)).explain(X, "deeplift", target=CLASSES, baseline=START)
    np.testing.assert_allclose(found.raw, expected.sum(axis=1), atol=2e-5 * np.abs(expected).max())
    allowed = 1e-5 * np.abs(expected).sum(axis=(1, 2, 3)).max()
    np.testing.assert_allclose(found.measures["completeness gap"], 0, atol=allowed)
    assert found.notes == []
    assert found.signed


def of(nodes: list[onnx.NodeProto], weights: dict[str, NDArray[Any]], opset: int = 20) -> Inspector:
    return Inspector(model(nodes, {"x": ["n", 6]}, {"logits": ["n", 3]}, weights, opset=opset))


FEATURES, BASELINE = normal(4, 6, scale=1, seed=2), normal(6, scale=1, seed=5)
W, V, HEAD = normal(6, 6, scale=0.7), normal(6, 6, scale=0.7, seed=1), normal(6, 3, scale=1)


def test_saturation() -> None:
    """Figure 1 of the paper: of y = 1 - relu(1 - (a + b)) at (1, 1) the gradient is 0, each input's part 1/2."""
    nodes = [
        helper.make_node("MatMul", ["x", "sum"], ["total"]),
        helper.make_node("Sub", ["one", "total"], ["missing"]),
        helper.make_node("Relu", ["missing"], ["short"]),
        helper.make_node("Sub", ["one", "short"], ["logits"]),
    ]
    weights = {"sum": np.ones((2, 2), np.float32), "one": np.ones(1, np.float32)}
    lens = Inspector(model(nodes, {"x": ["n", 2]}, {"logits": ["n", 2]}, weights))
    x = np.ones((1, 2), np.float32)
    np.testing.assert_array_equal(lens.explain(x, "saliency", target=0).raw, 0)
    np.testing.assert_allclose(lens.explain(x, "deeplift", target=0).raw, 0.5)


@pytest.mark.parametrize(
    "operator",
    [
        *("Abs", "Elu", "Erf", "Exp", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu"),
        *("Mish", "Selu", "Sigmoid", "Sin", "Softplus", "Softsign", "Tanh"),
    ],
)
def test_one_layer_of_an_activation(operator: str) -> None:
    """Contributions are (x - x0)_i sum over j of w_ij (f(z) - f(z0))_j / (z - z0)_j v_j."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["z"]),
        helper.make_node(operator, ["z"], ["y"]),
        helper.make_node("MatMul", ["y", "head"], ["logits"]),
    ]
    lens = of(nodes, {"w": W, "head": HEAD})
    found = lens.explain(FEATURES, "deeplift", target=1, baseline=BASELINE)
    runs = [
        lens.activations(each, layers=["z", "y"])
        for each in (FEATURES, np.tile(BASELINE, (len(FEATURES), 1)))
    ]
    (z, z0), (y, y0) = ([run[name].astype(np.float64) for run in runs] for name in ("z", "y"))
    expected = (FEATURES - BASELINE) * (((y - y0) / (z - z0) * HEAD[:, 1]) @ W.T)
    np.testing.assert_allclose(found.raw, expected, atol=2e-5 * np.abs(expected).max())


PIECES: dict[str, list[onnx.NodeProto]] = {
    "product": [helper.make_node("Mul", ["a", "b"], ["y"])],
    "square": [helper.make_node("Mul", ["a", "a"], ["y"])],
    "power": [helper.make_node("Exp", ["a"], ["e"]), helper.make_node("Pow", ["e", "p"], ["y"])],
    "quotient": [
        helper.make_node("Softplus", ["b"], ["positive"]),
        helper.make_node("Div", ["a", "positive"], ["y"]),
    ],
    "of a constant": [
        helper.make_node("Softplus", ["b"], ["positive"]),
        helper.make_node("Div", ["p", "positive"], ["y"]),
    ],
    "softmax": [helper.make_node("Softmax", ["a"], ["y"], axis=-1)],
    "log softmax": [helper.make_node("LogSoftmax", ["a"], ["y"], axis=1)],
    "layer norm": [helper.make_node("LayerNormalization", ["a", "scale", "scale"], ["y"])],
    "maximum": [helper.make_node("Max", ["a", "b", "p"], ["y"])],
    "minimum": [helper.make_node("Min", ["a", "b"], ["y"])],
    "largest": [helper.make_node("ReduceMax", ["a", "last"], ["y"], keepdims=1)],
    "smallest": [helper.make_node("ReduceMin", ["a", "last"], ["y"], keepdims=1)],
    "log sum": [helper.make_node("ReduceLogSumExp", ["a", "last"], ["y"], keepdims=1)],
    "rms norm": [
        helper.make_node("Mul", ["a", "a"], ["squares"]),
        helper.make_node("ReduceMean", ["squares", "last"], ["mean"], keepdims=1),
        helper.make_node("Sqrt", ["mean"], ["root"]),
        helper.make_node("Div", ["a", "root"], ["y"]),
    ],
    "attention": [
        *(helper.make_node("Reshape", [name, "rows"], [f"{name}_rows"]) for name in "ab"),
        helper.make_node("Transpose", ["b_rows"], ["turned"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["a_rows", "turned"], ["match"]),
        helper.make_node("Softmax", ["match"], ["weights"], axis=-1),
        helper.make_node("MatMul", ["weights", "b_rows"], ["mixed"]),
        helper.make_node("Reshape", ["mixed", "flat"], ["y"]),
    ],
    "einsum": [helper.make_node("Einsum", ["a", "b"], ["y"], equation="ni,nj->nj")],
    "other axis first": [
        helper.make_node("Transpose", ["a"], ["turned"], perm=[1, 0]),
        helper.make_node("Tanh", ["turned"], ["active"]),
        helper.make_node("Transpose", ["active"], ["y"], perm=[1, 0]),
    ],
}


@pytest.mark.parametrize("name", PIECES)
@pytest.mark.parametrize("score", ["logit", "output"])
def test_attributions_add_up(name: str, score: str) -> None:
    """To the change of the score, also of a probability."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("MatMul", ["x", "v"], ["b"]),
        *PIECES[name],
        helper.make_node("Mul", ["y", "spread"], ["wide"]),
        helper.make_node("MatMul", ["wide", "head"], ["raw"]),
        helper.make_node("Softmax", ["raw"], ["logits"]),
    ]
    weights = {
        "w": W,
        "v": V,
        "head": HEAD,
        "p": np.array([0.2], np.float32),
        "scale": 1 + normal(6),
        "spread": normal(6, scale=1),
        "last": np.array([1]),
        "rows": np.array([-1, 3, 2]),
        "flat": np.array([-1, 6]),
    }
    lens = of(nodes, weights)
    found = lens.explain(FEATURES, "deeplift", target=1, baseline=BASELINE, score=score)
    np.testing.assert_allclose(
        found.measures["completeness gap"], 0, atol=5e-5 * np.abs(found.raw).sum(axis=1).max()
    )
    assert np.abs(found.raw).max() > 1e-3
    assert found.notes == []


def test_where_nothing_changes_nothing_is_attributed() -> None:
    found = Inspector(network()).explain(X, "deeplift", target=CLASSES, baseline=X)
    np.testing.assert_array_equal(found.raw, 0)
    np.testing.assert_array_equal(found.measures["completeness gap"], 0)


def test_of_token_ids() -> None:
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["embedded"]),
        helper.make_node("Tanh", ["embedded"], ["active"]),
        helper.make_node("MatMul", ["active", "head"], ["scored"]),
        helper.make_node("ReduceMean", ["scored", "axes"], ["logits"], keepdims=0),
    ]
    table, head = normal(11, 4, scale=1), normal(4, 3, scale=1)
    proto = model(
        nodes, {"ids": ["n", 5]}, {"logits": ["n", 3]}, {"table": table, "head": head, "axes": np.array([1])}
    )
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    ids = np.array([[1, 7, 3, 0, 2], [10, 4, 4, 9, 5]])
    found = Inspector(proto).explain(ids, "deeplift", target=1, baseline=6)
    wide = table.astype(np.float64)
    expected = (np.tanh(wide[ids]) - np.tanh(wide[6])) @ head[:, 1] / 5
    np.testing.assert_allclose(found.raw, expected, atol=1e-6)


def test_what_runs_in_a_loop_is_refused() -> None:
    nodes = [
        helper.make_node("Unsqueeze", ["x", "last"], ["steps"]),
        helper.make_node("Transpose", ["steps"], ["sequence"], perm=[1, 0, 2]),
        helper.make_node("RNN", ["sequence", "in", "again"], ["", "state"], hidden_size=3),
        helper.make_node("Squeeze", ["state", "first"], ["logits"]),
    ]
    weights = {
        "last": np.array([2]),
        "first": np.array([0]),
        "in": normal(1, 3, 1, scale=1),
        "again": normal(1, 3, 3, scale=1),
    }
    with pytest.raises(NotDifferentiable, match=r"DeepLIFT compares two runs.*the path x ->"):
        of(nodes, weights).explain(FEATURES, "deeplift", target=1)


def test_an_operator_without_a_rule_leaves_a_gap_and_a_note() -> None:
    nodes = [
        helper.make_node("Exp", ["x"], ["e"]),
        helper.make_node("ReduceProd", ["e", "last"], ["y"]),
        helper.make_node("MatMul", ["y", "head"], ["logits"]),
    ]
    lens = of(nodes, {"last": np.array([1]), "head": HEAD[:1]})
    found = lens.explain(FEATURES, "deeplift", target=0, baseline=BASELINE)
    assert found.notes
    assert all("operators without a rescale rule" in note for note in found.notes)


def test_deep_shap_is_the_mean_over_its_baselines() -> None:
    lens = Inspector(network())
    references = normal(3, *X.shape[1:], seed=5, scale=1)
    found = lens.explain(X, "deeplift-shap", target=CLASSES, references=references)
    each = [lens.explain(X, "deeplift", target=CLASSES, baseline=one) for one in references]
    expected = np.mean([one.raw for one in each], axis=0)
    np.testing.assert_allclose(found.raw, expected, atol=1e-6 * np.abs(expected).max())
    assert found.signed
    assert found.notes == []
    assert np.abs(found.measures["completeness gap"]).max() < 1e-5 * np.abs(found.raw).sum(axis=(1, 2)).max()


def test_deep_shap_draws_noise_where_there_are_no_references() -> None:
    lens = Inspector(network())
    options = {"samples": 2, "seed": 3}
    found = lens.explain(X, "deeplift-shap", target=CLASSES, **options)
    assert found.notes == ["no references were given: the baselines are uniform noise over the input's range"]
    alone = lens.explain(X[1:], "deeplift-shap", target=CLASSES[1:], **options)
    np.testing.assert_allclose(alone.raw[0], found.raw[1], atol=1e-6 * np.abs(found.raw[1]).max())
    for row in noise(X, 4, 0):
        for sample, image in zip(row, X, strict=True):
            assert image.min() <= sample.min() <= sample.max() <= image.max()
    with pytest.raises(InputError, match=r"an array of shape \(2, 2\) is not"):
        lens.explain(X, "deeplift-shap", target=CLASSES, references=np.zeros((2, 2)))

"""Relevance propagation against its definition: every layer a matrix, every share written down, in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper

from inspector import Inspector
from inspector.errors import InputError
from tests.inspector.explain.rectified import (
    CLASSES,
    WEIGHTS,
    X,
    functional,
    network,
    pulled_back,
    scores,
    torch,
)
from tests.inspector.graphs import model, normal

Array = NDArray[np.float64]
Share = Callable[[Array, Array, Array, Array], Array]
SMALL, MORE = 0.01, 0.4


def away(z: Array) -> Array:
    return z + SMALL * np.where(z < 0, -1, 1)


def epsilon(a: Array, w: Array, b: Array, r: Array) -> Array:
    """R_i = sum over j of a_i w_ij R_j / (z_j + epsilon)."""
    return a * (w @ (r / away(a @ w + b)))


def gamma(a: Array, w: Array, b: Array, r: Array) -> Array:
    """Contributions of the sign of z_j count more."""
    found = np.zeros_like(a)
    for j in range(len(b)):
        contributions = a * w[:, j]
        part = np.maximum if contributions.sum() + b[j] > 0 else np.minimum
        counted = contributions + MORE * part(contributions, 0)
        found += counted * (r[j] / away(counted.sum() + b[j] + MORE * part(b[j], 0)))
    return found


def alpha_beta(alpha: float) -> Share:
    def share(a: Array, w: Array, b: Array, r: Array) -> Array:
        found = np.zeros_like(a)
        for part, factor in ((np.maximum, alpha), (np.minimum, 1 - alpha)):
            contributions = part(a[:, None] * w, 0)
            found += factor * contributions @ (r / away(contributions.sum(axis=0) + part(b, 0)))
        return found

    return share


def matrix(name: str, shape: tuple[int, ...]) -> Array:
    """The convolution with weights `name` of inputs of `shape`, as a matrix (inputs, outputs)."""
    size = int(np.prod(shape))
    unit = torch.eye(size, dtype=torch.float64).reshape(size, *shape)
    return np.asarray(
        functional.conv2d(unit, torch.tensor(WEIGHTS[name].astype(np.float64))).reshape(size, -1)
    )


def propagated(x: Array, target: int, rules: tuple[Share, Share, Share], scale: Array | None = None) -> Array:
    """Relevance at the input of the network of `rectified`: first layer, second convolution, dense layers.

    `scale` multiplies the channels of the second convolution: a batch normalisation.
    """
    w = {name: array.astype(np.float64) for name, array in WEIGHTS.items()}
    first, convolution, dense = rules
    factor = np.ones(5) if scale is None else scale
    w1, b1 = matrix("w1", (3, 8, 8)), np.repeat(w["b1"], 36)
    w2, b2 = matrix("w2", (4, 6, 6)) * np.repeat(factor, 16), np.repeat(w["b2"] * factor, 16)
    a0 = x.ravel()
    a1 = np.maximum(a0 @ w1 + b1, 0)
    a2 = np.clip(a1 @ w2 + b2, 0, 6).reshape(5, 2, 2, 2, 2).transpose(0, 1, 3, 2, 4).reshape(20, 4)
    a3 = a2.max(axis=1)
    a4 = np.maximum(a3 @ w["w3"].T + w["b3"], 0)
    score = a4 @ w["w4"][target] + w["b4"][target]
    r4 = dense(a4, w["w4"][[target]].T, w["b4"][[target]], np.array([score]))
    r3 = dense(a3, w["w3"].T, w["b3"], r4)
    # the winner takes it all
    r2 = np.zeros((20, 4))
    r2[np.arange(20), a2.argmax(axis=1)] = r3
    r2 = r2.reshape(5, 2, 2, 2, 2).transpose(0, 1, 3, 2, 4).ravel()
    r1 = convolution(a1, w2, b2, r2)
    return first(a0, w1, b1, r1).reshape(3, 8, 8)


RULES: dict[str, tuple[Share, Share, Share]] = {
    "epsilon": (epsilon,) * 3,
    "gamma": (gamma,) * 3,
    "alpha-beta": (alpha_beta(2),) * 3,
    "epsilon-gamma": (epsilon, gamma, epsilon),
    "epsilon-alpha-beta": (alpha_beta(2), alpha_beta(2), epsilon),
}
OPTIONS: dict[str, Any] = {"epsilon": SMALL, "gamma": MORE, "alpha": 2}


@pytest.mark.parametrize("composite", RULES)
def test_the_definition(composite: str) -> None:
    expected = np.stack(
        [propagated(x.astype(np.float64), c, RULES[composite]) for x, c in zip(X, CLASSES, strict=True)]
    )
    found = Inspector(network()).explain(X, "lrp", target=CLASSES, composite=composite, **OPTIONS)
    np.testing.assert_allclose(found.raw, expected.sum(axis=1), atol=2e-5 * np.abs(expected).max())
    gap = expected.sum(axis=(1, 2, 3)) - scores(X)
    np.testing.assert_allclose(
        found.measures["conservation gap"], gap, atol=1e-4 * np.abs(expected).sum(axis=(1, 2, 3)).max()
    )
    assert found.signed


def test_alpha_1_beta_0_is_the_default() -> None:
    positive = alpha_beta(1)
    expected = np.stack(
        [
            propagated(x.astype(np.float64), c, (positive, positive, epsilon))
            for x, c in zip(X, CLASSES, strict=True)
        ]
    )
    found = Inspector(network()).explain(X, "lrp", target=CLASSES, epsilon=SMALL)
    np.testing.assert_allclose(found.raw, expected.sum(axis=1), atol=2e-5 * np.abs(expected).max())


@pytest.mark.parametrize("composite", RULES)
def test_a_batch_normalisation_is_part_of_the_convolution_before_it(composite: str) -> None:
    """Some of its scales are negative: taken by itself it would turn negative contributions into positive ones."""
    scale = np.array([1.5, -0.5, 2, -1, 0.7])
    proto = network()
    proto.graph.node[2].output[0] = "raw"
    variance, mean = np.full(5, 4, np.float32), normal(5, seed=8)
    statistics = {
        "s": (2 * scale).astype(np.float32),
        "m": mean,
        "v": variance - 1e-5,
        # so that the bias of both together is that of the test's network, scaled
        "t": (mean * scale).astype(np.float32),
    }
    proto.graph.node.insert(3, helper.make_node("BatchNormalization", ["raw", "s", "t", "m", "v"], ["conv2"]))
    proto.graph.initializer.extend(onnx.numpy_helper.from_array(a, n) for n, a in statistics.items())
    lens = Inspector(proto)
    # a score near 0 is shared out with few digits
    classes = np.abs(lens.run(X)["logits"]).argmax(axis=1)
    expected = np.stack(
        [
            propagated(x.astype(np.float64), c, RULES[composite], scale)
            for x, c in zip(X, classes, strict=True)
        ]
    )
    found = lens.explain(X, "lrp", target=classes, composite=composite, **OPTIONS)
    # epsilon looks at the convolution's own result instead
    tolerance = 2e-5 if composite not in ("epsilon",) else 0.1
    np.testing.assert_allclose(found.raw, expected.sum(axis=1), atol=tolerance * np.abs(expected).max())


def test_without_biases_relevance_is_conserved() -> None:
    lens = Inspector(network(biases=False))
    for composite in RULES:
        # alpha - beta = 1 conserves where there is something of either sign
        found = lens.explain(X, "lrp", target=CLASSES, composite=composite, epsilon=1e-9)
        allowed = 1e-4 * np.abs(found.raw).sum(axis=(1, 2))
        assert (np.abs(found.measures["conservation gap"]) <= allowed).all(), composite


def test_without_stabiliser_epsilon_is_input_times_gradient() -> None:
    """Ancona et al., ICLR 2018, proposition 1, with rectifiers and without their upper bound."""
    lens = Inspector(network(bound=1e9))
    found = lens.explain(X, "lrp", target=CLASSES, composite="epsilon", epsilon=1e-9)
    expected = (X * pulled_back(torch.relu, torch.relu)).sum(axis=1)
    np.testing.assert_allclose(found.raw, expected, atol=1e-4 * np.abs(expected).max())


def of(nodes: list[onnx.NodeProto], weights: dict[str, NDArray[Any]], outputs: int = 2) -> Inspector:
    return Inspector(model(nodes, {"x": ["n", 6]}, {"logits": ["n", outputs]}, weights))


FEATURES = normal(3, 6, scale=1, seed=2)
W, V, HEAD = normal(6, 4, scale=1), normal(6, 4, scale=1, seed=1), normal(4, 2, scale=1)


def test_the_signal_of_a_gate_takes_all() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["signal"]),
        helper.make_node("MatMul", ["x", "v"], ["before"]),
        helper.make_node("Sigmoid", ["before"], ["gate"]),
        helper.make_node("Mul", ["signal", "gate"], ["gated"]),
        helper.make_node("MatMul", ["gated", "head"], ["logits"]),
    ]
    found = of(nodes, {"w": W, "v": V, "head": HEAD}).explain(
        FEATURES, "lrp", target=0, composite="epsilon", epsilon=1e-9
    )
    gates = 1 / (1 + np.exp(-(FEATURES @ V).astype(np.float64)))
    expected = FEATURES * ((gates * HEAD[:, 0]) @ W.T)
    np.testing.assert_allclose(found.raw, expected, atol=1e-4)


def test_two_signals_share() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["one"]),
        helper.make_node("MatMul", ["x", "v"], ["other"]),
        helper.make_node("Mul", ["one", "other"], ["product"]),
        helper.make_node("MatMul", ["product", "head"], ["logits"]),
    ]
    found = of(nodes, {"w": W, "v": V, "head": HEAD}).explain(
        FEATURES, "lrp", target=0, composite="epsilon", epsilon=1e-9
    )
    one, other = FEATURES @ W, FEATURES @ V
    expected = FEATURES * ((other * HEAD[:, 0]) @ W.T + (one * HEAD[:, 0]) @ V.T) / 2
    np.testing.assert_allclose(found.raw, expected, atol=1e-4)
    np.testing.assert_allclose(found.measures["conservation gap"], 0, atol=1e-4)


@pytest.mark.parametrize("operator", ["Tanh", "Gelu", "HardSwish", "Softplus", "Elu"])
def test_activations_hand_relevance_on(operator: str) -> None:
    """Of one layer with an activation f: R_i = x_i sum over j of w_ij f(z_j) / z_j."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["z"]),
        helper.make_node(operator, ["z"], ["y"]),
        helper.make_node("MatMul", ["y", "head"], ["logits"]),
    ]
    proto = model(nodes, {"x": ["n", 6]}, {"logits": ["n", 2]}, {"w": W, "head": HEAD}, opset=20)
    lens = Inspector(proto)
    found = lens.explain(FEATURES, "lrp", target=0, composite="epsilon", epsilon=1e-9)
    z, y = (lens.activations(FEATURES, layers=name)[name].astype(np.float64) for name in ("z", "y"))
    expected = FEATURES * ((y / z * HEAD[:, 0]) @ W.T)
    np.testing.assert_allclose(found.raw, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("operator", ["LayerNormalization", "decomposed"])
def test_a_deviation_is_a_constant(operator: str) -> None:
    nodes = [
        helper.make_node("LayerNormalization", ["x", "scale"], ["normal"]),
        helper.make_node("MatMul", ["normal", "w"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("MatMul", ["active", "head"], ["logits"]),
    ]
    if operator == "decomposed":
        nodes[:1] = [
            helper.make_node("ReduceMean", ["x", "last"], ["mean"]),
            helper.make_node("Sub", ["x", "mean"], ["centred"]),
            helper.make_node("Mul", ["centred", "centred"], ["square"]),
            helper.make_node("ReduceMean", ["square", "last"], ["variance"]),
            helper.make_node("Add", ["variance", "small"], ["positive"]),
            helper.make_node("Sqrt", ["positive"], ["deviation"]),
            helper.make_node("Div", ["centred", "deviation"], ["unit"]),
            helper.make_node("Mul", ["unit", "scale"], ["normal"]),
        ]
    scale = 1 + normal(6)
    weights = {"w": W, "head": HEAD, "scale": scale, "last": np.array([1]), "small": np.float32(1e-5)[None]}
    found = of(nodes, weights).explain(FEATURES, "lrp", target=0, composite="epsilon", epsilon=1e-9)
    x = FEATURES.astype(np.float64)
    deviation = np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
    hidden = ((x - x.mean(axis=1, keepdims=True)) / deviation * scale) @ W
    slope = ((hidden > 0) * HEAD[:, 0]) @ W.T * scale / deviation
    expected = x * (slope - slope.mean(axis=1, keepdims=True))
    np.testing.assert_allclose(found.raw, expected, atol=1e-4 * np.abs(expected).max())
    np.testing.assert_allclose(found.measures["conservation gap"], 0, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"composite": "zeta"}, "composites of lrp are epsilon, gamma, .* not 'zeta'"),
        ({"epsilon": 0}, "epsilon is a number from 1e-12 upwards, not 0"),
        ({"gamma": "much"}, "gamma of method lrp is a finite number, not 'much'"),
        ({"alpha": 0.5}, "alpha is a number from 1 upwards, not 0.5"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Inspector(network()).explain(X, "lrp", target=CLASSES, **options)


def test_relevance_that_biases_take_is_a_note() -> None:
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("MatMul", ["active", "head"], ["logits"]),
    ]
    weights = {"w": W, "b": np.full(4, 50, np.float32), "head": np.abs(HEAD)}
    found = of(nodes, weights).explain(FEATURES[:1], "lrp", target=0)
    (note,) = [each for each in found.notes if "add up" in each]
    assert "image 1: the relevances add up to" in note
    assert "biases and epsilon have taken the difference" in note


def test_attention_weights_are_constants() -> None:
    """Of softmax(A A') V with A = x W, V = x U, rows of two: what reaches x goes through V alone."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("MatMul", ["x", "v"], ["b"]),
        *(helper.make_node("Reshape", [name, "rows"], [f"{name}_rows"]) for name in "ab"),
        helper.make_node("Transpose", ["a_rows"], ["turned"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["a_rows", "turned"], ["match"]),
        helper.make_node("Softmax", ["match"], ["weights"], axis=-1),
        helper.make_node("MatMul", ["weights", "b_rows"], ["mixed"]),
        helper.make_node("Reshape", ["mixed", "flat"], ["joined"]),
        helper.make_node("MatMul", ["joined", "head"], ["logits"]),
    ]
    weights = {"w": W, "v": V, "head": HEAD, "rows": np.array([-1, 2, 2]), "flat": np.array([-1, 4])}
    lens = of(nodes, weights)
    found = lens.explain(FEATURES, "lrp", target=0, composite="epsilon", epsilon=1e-9)
    attention = lens.activations(FEATURES, layers="weights")["weights"].astype(np.float64)
    at_values = np.einsum("nij,ik->njk", attention, HEAD[:, 0].reshape(2, 2)).reshape(-1, 4)
    np.testing.assert_allclose(found.raw, FEATURES * (at_values @ V.T), atol=1e-4)
    np.testing.assert_allclose(found.measures["conservation gap"], 0, atol=1e-4)

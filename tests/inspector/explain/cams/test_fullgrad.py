"""FullGrad against autograd with the biases as leaves, in double precision."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from inspector import Inspector
from inspector.errors import InspectorError
from inspector.explain.cams.biases import biases_between
from tests.inspector.explain.cams.references import Double
from tests.inspector.graphs import cnn, cnn_weights, images, model, normal

torch = pytest.importorskip("torch")
functional = torch.nn.functional

X = images(3)
CLASSES = [1, 7, 4]


def psi(contribution: Double, rescale: str) -> Double:
    """(C, h, w) to (16, 16): the paper's, channel by channel, and the sum."""
    total = np.zeros((16, 16))
    whole = np.abs(contribution)
    for channel in whole:
        shown = channel
        if rescale != "none":
            part = channel if rescale == "channel" else whole
            spread = part.max() - part.min()
            shown = (channel - part.min()) / spread if spread else channel * 0
        total += functional.interpolate(torch.tensor(shown)[None, None], size=(16, 16), mode="bilinear")[
            0, 0
        ].numpy()
    return total


@pytest.mark.parametrize("rescale", ["channel", "layer", "none"])
def test_input_and_biases_times_their_gradients(rescale: str) -> None:
    w = {name: torch.tensor(array.astype(float)) for name, array in cnn_weights().items()}
    scale = w["bn.scale"] / (w["bn.variance"] + 1e-5).sqrt()
    implicit = w["bn.shift"] - w["bn.mean"] * scale
    explained = Inspector(cnn()).explain(X, "fullgrad", target=CLASSES, rescale=rescale)
    for sample, number in enumerate(CLASSES):
        # the biases as tensors of their own, one value at each place
        x = torch.tensor(X[sample].astype(float), requires_grad=True)
        conv = w["conv.bias"].reshape(-1, 1, 1).expand(4, 14, 14).clone().requires_grad_()
        norm = implicit.reshape(-1, 1, 1).expand(4, 14, 14).clone().requires_grad_()
        head = w["fc.bias"].clone().requires_grad_()
        hidden = torch.relu(functional.conv2d(x[None], w["conv.weight"]) + conv)
        hidden = functional.max_pool2d(hidden * scale.reshape(-1, 1, 1) + norm, 2)
        score = (hidden.flatten(1) @ w["fc.weight"].T + head)[0, number]
        leaves = [x, conv, norm, head]
        parts = [leaf * g for leaf, g in zip(leaves, torch.autograd.grad(score, leaves), strict=True)]
        expected = sum(psi(part.detach().numpy(), rescale) for part in parts[:3])
        np.testing.assert_allclose(explained.raw[sample], expected, atol=2e-5 * expected.max())
        # the decomposition is complete: the paper's proposition 1
        assert sum(part.sum().item() for part in parts) == pytest.approx(score.item(), abs=1e-12)
    np.testing.assert_allclose(explained.measures["completeness gap"], 0, atol=1e-5)
    assert (explained.layer, explained.signed) == (None, False)


def test_what_bends_smoothly_leaves_a_gap() -> None:
    w = {"w": normal(4, 3, 3, 3, scale=1), "b": normal(4, seed=1), "v": normal(4, 5, scale=1)}
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["conv"]),
        helper.make_node("Sigmoid", ["conv"], ["bent"]),
        helper.make_node("GlobalAveragePool", ["bent"], ["pool"]),
        helper.make_node("Flatten", ["pool"], ["flat"]),
        helper.make_node("MatMul", ["flat", "v"], ["logits"]),
    ]
    lens = Inspector(model(nodes, {"x": ["n", 3, 8, 8]}, {"logits": ["n", 5]}, w))
    gap = lens.explain(images(2, size=8), "fullgrad", target=3).measures["completeness gap"]
    assert (np.abs(gap) > 0.01).all()


def test_biases_that_are_added_by_nodes_of_their_own() -> None:
    """Add and Sub with a constant on either side, Gemm with its beta; not what is added to itself."""
    w = {
        "w": normal(4, 3, 3, 3, scale=1),
        "plus": normal(4, 1, 1, seed=1),
        "minus": normal(1, 4, 1, 1, seed=2),
        "from": normal(4, 1, 1, seed=3),
        "v": normal(4, 5, scale=1),
        "c": normal(5, seed=4),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["conv"]),
        helper.make_node("Add", ["plus", "conv"], ["added"]),
        helper.make_node("Sub", ["added", "minus"], ["less"]),
        helper.make_node("Sub", ["from", "less"], ["turned"]),
        helper.make_node("Relu", ["turned"], ["relu"]),
        helper.make_node("Add", ["relu", "less"], ["both"]),
        helper.make_node("GlobalAveragePool", ["both"], ["pool"]),
        helper.make_node("Flatten", ["pool"], ["flat"]),
        helper.make_node("Gemm", ["flat", "v", "c"], ["logits"], beta=0.5),
    ]
    lens = Inspector(model(nodes, {"x": ["n", 3, 8, 8]}, {"logits": ["n", 5]}, w))
    found = biases_between(lens.evaluator, "x", ["logits"])
    assert list(found) == ["added", "less", "turned", "logits"]
    np.testing.assert_array_equal(found["less"], -w["minus"])
    np.testing.assert_array_equal(found["turned"], w["from"])
    np.testing.assert_array_equal(found["logits"], w["c"] * np.float32(0.5))
    gap = lens.explain(images(2, size=8), "fullgrad", target=3).measures["completeness gap"]
    np.testing.assert_allclose(gap, 0, atol=1e-5)
    # from the middle on only what follows counts
    assert list(biases_between(lens.evaluator, "less", ["logits"])) == ["turned", "logits"]


def test_another_rescaling_is_refused() -> None:
    with pytest.raises(InspectorError, match="rescales by channel, layer, none, not 'all'"):
        Inspector(cnn()).explain(X, "fullgrad", target=1, rescale="all")

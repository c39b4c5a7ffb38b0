"""Conductance, internal influence and the gradients of neurons: definitions in float64, and what they add up to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from inspector import Inspector
from inspector.errors import InputError
from tests.inspector.explain.rectified import CLASSES, X, gradients, network, scores, tensors, torch
from tests.inspector.graphs import images, multi_head

LAYERS = ["active1", "conv2", "pooled"]
START = 0.25


def at(place: float) -> NDArray[np.float64]:
    return START + place * (X.astype(np.float64) - START)


@pytest.mark.parametrize("layer", LAYERS)
def test_conductance_by_definition(layer: str) -> None:
    steps = 12
    expected = np.zeros(gradients(X, layer)[0].shape)
    for step in range(steps):
        (value, gradient), (after, next_gradient) = (
            gradients(at(place / steps), layer) for place in (step, step + 1)
        )
        expected += (after - value) * (gradient + next_gradient) / 2
    found = Inspector(network()).explain(
        X, "conductance", target=CLASSES, layer=layer, baseline=START, steps=steps, batch=7
    )
    np.testing.assert_allclose(found.map, expected.sum(axis=1), atol=1e-5 * np.abs(expected).max())
    gap = expected.sum(axis=(1, 2, 3)) - (scores(X) - scores(at(0)))
    np.testing.assert_allclose(found.measures["completeness gap"], gap, atol=1e-5)
    assert found.signed
    assert found.heatmap.shape == (2, 8, 8)
    one = Inspector(network()).explain(
        X, "conductance", target=CLASSES, layer=layer, baseline=START, steps=steps, channel=3
    )
    np.testing.assert_allclose(one.map, expected[:, 3], atol=1e-5 * np.abs(expected).max())


def test_conductances_add_up_to_the_change_of_the_score() -> None:
    lens = Inspector(network())
    change = np.abs(scores(X) - scores(at(0)))
    for layer in LAYERS:
        fine = lens.explain(X, "conductance", target=CLASSES, layer=layer, baseline=START, steps=300)
        assert np.abs(fine.measures["completeness gap"]).max() < 0.01 * change.max()
        assert fine.notes == []


@pytest.mark.parametrize("layer", LAYERS)
def test_internal_influence_by_definition(layer: str) -> None:
    steps = 9
    slopes = [gradients(at((step + 0.5) / steps), layer)[1] for step in range(steps)]
    expected = np.mean(slopes, axis=0)
    options: dict[str, Any] = {
        "target": CLASSES,
        "layer": layer,
        "baseline": START,
        "steps": steps,
        "rule": "midpoint",
    }
    found = Inspector(network()).explain(X, "internal-influence", **options)
    np.testing.assert_allclose(found.map, expected.sum(axis=1), atol=1e-5 * np.abs(expected).max())
    one = Inspector(network()).explain(X, "internal-influence", **options, channel=1)
    np.testing.assert_allclose(one.map, expected[:, 1], atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("layer", LAYERS)
def test_the_gradient_of_a_neuron(layer: str) -> None:
    lens = Inspector(network())

    def slope(choose: Sequence[tuple[int, ...]]) -> NDArray[np.float64]:
        x = torch.tensor(X, dtype=torch.float64, requires_grad=True)
        values = tensors(x)[layer]
        score = sum(values[row][place].sum() for row, place in enumerate(choose))
        (gradient,) = torch.autograd.grad(score, x)
        largest: NDArray[np.float64] = np.abs(np.asarray(gradient)).max(axis=1)
        return largest

    values = lens.activations(X, layers=layer)[layer]
    strongest = [(int(each.sum(axis=(1, 2)).argmax()),) for each in values]
    cases: list[tuple[Any, Sequence[tuple[int, ...]]]]
    cases = [((2, 1, 0), [(2, 1, 0)] * 2), (3, [(3,)] * 2), (None, strongest)]
    for neuron, chosen in cases:
        found = lens.explain(X, "neuron-gradient", layer=layer, neuron=neuron, check=True)
        expected = slope(chosen)
        np.testing.assert_allclose(found.raw, expected, atol=1e-5 * expected.max())
        assert found.target == tuple(f"{layer}[{', '.join(map(str, each))}]" for each in chosen)
        assert found.check is not None
        # a neuron may be dead
        assert found.check.passed or not expected.any(axis=(1, 2)).all()


def test_neurons_of_a_layer_with_channels_last() -> None:
    proto = network()
    last = helper.make_node("Transpose", ["pooled"], ["last"], perm=[0, 2, 3, 1])
    relu = helper.make_node("Relu", ["last"], ["last_active"])
    back = helper.make_node("Transpose", ["last_active"], ["first"], perm=[0, 3, 1, 2])
    nodes = [*proto.graph.node[:5], last, relu, back, *proto.graph.node[5:]]
    nodes[-4].input[0] = "first"
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    lens = Inspector(proto)
    assert lens.resolve_layer("last_active").layout == "NHWC"
    for neuron in (4, (4, 1, 0)):
        there = lens.explain(X, "neuron-gradient", layer="last_active", neuron=neuron)
        here = Inspector(network()).explain(X, "neuron-gradient", layer="pooled", neuron=neuron)
        np.testing.assert_allclose(there.raw, here.raw, atol=1e-6)
    first = Inspector(network()).explain(X, "conductance", target=CLASSES, layer="pooled", steps=4)
    found = lens.explain(X, "conductance", target=CLASSES, layer="last_active", steps=4)
    np.testing.assert_allclose(found.map, first.map, atol=1e-5)


def test_options_that_do_not_fit() -> None:
    lens = Inspector(network())
    for neuron in (5, (1, 2), (0, 2, 0), -1, "middle", 0.5):
        with pytest.raises(
            InputError, match=r"layer 'pooled' has no neuron .* below 5, .* within \(5, 2, 2\)"
        ):
            lens.explain(X, "neuron-gradient", layer="pooled", neuron=neuron)
    with pytest.raises(InputError, match="channels 0 to 4, no channel 5"):
        lens.explain(X, "conductance", layer="pooled", channel=5, steps=1)


def test_a_map_that_prefers_no_place_is_said() -> None:
    """Behind a global average pooling and a linear layer every place has the same gradient: weight / places."""
    proto = multi_head()
    lens = Inspector(proto)
    found = lens.explain(images(2, size=8), "internal-influence", target="angle=2", layer="relu", steps=2)
    weights = next(
        numpy_helper.to_array(each) for each in proto.graph.initializer if each.name == "angle.weight"
    )
    each = weights[2].sum() / found.map[0].size
    np.testing.assert_allclose(found.map, np.full(found.map.shape, each), rtol=1e-5)
    assert [note.split(",")[0] for note in found.notes] == [
        f"image {number}: the map is the same everywhere" for number in (1, 2)
    ]
    assert lens.explain(images(1, size=8), "conductance", target="angle=2", layer="relu", steps=2).notes == []

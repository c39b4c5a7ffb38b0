"""CAM from the classifier's own weights."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from inspector import Inspector, Target
from inspector.errors import LayerNotFound
from tests.inspector.graphs import cnn, images, model, normal

pytest.importorskip("torch")
from tests.inspector.explain.cams.references import pooled, pooled_weights

X = images(2, size=8)
WEIGHTS = {name: array.astype(float) for name, array in pooled_weights().items()}


@pytest.mark.parametrize("pool", ["GlobalAveragePool", "ReduceMean"])
@pytest.mark.parametrize("layer", ["relu", "last"])
def test_the_weights_of_the_class_times_the_maps(pool: str, layer: str) -> None:
    lens = Inspector(pooled(pool, last=layer))
    explained = lens.explain(X, "cam", target=[3, 0], layer=layer)
    a = lens.activations(X, layers="relu")["relu"].astype(float)
    expected = np.einsum("nk,nkhw->nhw", WEIGHTS["fc.weight"][[3, 0]], a)
    np.testing.assert_allclose(explained.map, expected, atol=1e-5 * np.abs(expected).max())
    assert explained.signed
    assert explained.map.min() < 0
    # the mean of the map and the bias are the score
    np.testing.assert_allclose(
        explained.map.mean(axis=(1, 2)) + WEIGHTS["fc.bias"][[3, 0]], explained.score, rtol=1e-5
    )


def test_the_positive_part_is_grad_cam_times_the_number_of_places() -> None:
    lens = Inspector(pooled())
    cam, gradcam = (lens.explain(X, method, target=2) for method in ("cam", "gradcam"))
    np.testing.assert_allclose(np.maximum(cam.map, 0), 36 * gradcam.map, rtol=1e-4, atol=1e-5)
    assert cam.layer == gradcam.layer == "relu"


def test_a_contrast_of_classes_and_the_side_of_one_neuron() -> None:
    lens = Inspector(pooled())
    both = lens.explain(X, "cam", target=Target(index=3) - Target(index=1))
    a = lens.activations(X, layers="relu")["relu"].astype(float)
    expected = np.einsum("k,nkhw->nhw", WEIGHTS["fc.weight"][3] - WEIGHTS["fc.weight"][1], a)
    np.testing.assert_allclose(both.map, expected, atol=1e-5 * np.abs(expected).max())


def test_maps_that_are_pooled_to_the_classes_themselves() -> None:
    """A network without a linear layer (Lin et al., Network in Network): each class has a map of its own."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["maps"]),
        helper.make_node("GlobalAveragePool", ["maps"], ["pool"]),
        helper.make_node("Flatten", ["pool"], ["logits"]),
    ]
    lens = Inspector(model(nodes, {"x": ["n", 3, 8, 8]}, {"logits": ["n", 5]}, {"w": normal(5, 3, 3, 3)}))
    explained = lens.explain(X, "cam", target=4)
    np.testing.assert_allclose(explained.map, lens.activations(X, layers="maps")["maps"][:, 4], rtol=1e-5)


def test_elsewhere_it_says_what_lies_between() -> None:
    with pytest.raises(
        LayerNotFound, match=r"'relu' is none: BatchNormalization|MaxPool \('max_pool'\) lies between"
    ):
        Inspector(cnn()).explain(images(1), "cam", target=1, layer="relu")
    with pytest.raises(LayerNotFound, match=r"'max_pool' is none: its places have different shares"):
        Inspector(cnn()).explain(images(1), "cam", target=1)
    with pytest.raises(
        LayerNotFound,
        match=r"'conv' is none: Relu \('relu'\) lies between.*is pooled, 'relu', or take gradcam",
    ):
        Inspector(pooled()).explain(X, "cam", target=1, layer="conv")
    with pytest.raises(LayerNotFound, match=r"Softmax \('output'\) lies between"):
        Inspector(pooled(final="Softmax")).explain(X, "cam", target=1, score="output")
    with pytest.raises(LayerNotFound, match="a logit, no log-probability"):
        Inspector(pooled()).explain(X, "cam", target=Target(label=1).log_probability())


def test_two_heads_that_are_averaged() -> None:
    averaged = pooled()
    for number in (1, 2):
        averaged.graph.node.append(
            helper.make_node("Gemm", ["flat", "fc.weight", "fc.bias"], [f"head{number}"], transB=1)
        )
    averaged.graph.node.append(helper.make_node("Mean", ["head1", "head2"], ["mean"]))
    averaged.graph.output[0].name = "mean"
    found = Inspector(averaged).explain(X, "cam", target=3, layer="relu")
    np.testing.assert_allclose(
        found.map, Inspector(pooled()).explain(X, "cam", target=3).map, rtol=1e-5, atol=1e-6
    )


def test_a_layer_that_multiplies_itself_is_refused() -> None:
    gated = [
        helper.make_node("Conv", ["x", "w"], ["maps"]),
        helper.make_node("Mul", ["maps", "maps"], ["squared"]),
        helper.make_node("GlobalAveragePool", ["squared"], ["pool"]),
        helper.make_node("Flatten", ["pool"], ["logits"]),
    ]
    lens = Inspector(model(gated, {"x": ["n", 3, 8, 8]}, {"logits": ["n", 5]}, {"w": normal(5, 3, 3, 3)}))
    with pytest.raises(LayerNotFound, match=r"Mul \('squared'\) lies between"):
        lens.explain(X, "cam", target=1, layer="maps")

"""Weights drawn anew, and what the sanity checks make of methods that look and of one that does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inspector import Inspector
from inspector.errors import InputError, ModelError
from inspector.quality import Sample, evaluate
from inspector.quality.randomisation import label_randomisation, parameter_randomisation, scaled
from inspector.quality.redraw import Redrawing, redraw
from inspector.quality.similarity import spearman, ssim
from tests.inspector.graphs import cnn, cnn_weights, images, model, normal
from tests.inspector.quality.trials import trial

LENS = Inspector(cnn())
X = images(1)
NAMES = ("cascading-ssim", "cascading-spearman", "independent-ssim", "independent-spearman")


def test_layers_with_weights_and_which_are_drawn_anew() -> None:
    redrawing = Redrawing(LENS.evaluator)
    assert redrawing.layers == [
        ["conv.weight", "conv.bias", "bn.scale", "bn.shift", "bn.mean", "bn.variance"],
        ["fc.weight", "fc.bias"],
    ]
    assert redrawing.cascade(4) == [range(1, 2), range(2)]
    assert redrawing.single(3) == [range(1), range(1, 2)]
    assert redrawing.without([1]) is redrawing.without([1])


def test_what_is_drawn() -> None:
    weights = cnn_weights()
    drawn = redraw(LENS.model.graph, ["fc.weight", "bn.variance"], seed=3).graph.initializers
    for name, before in weights.items():
        after = drawn[name].const_value.numpy()
        assert (after.shape, after.dtype) == (before.shape, before.dtype)
        assert np.array_equal(after, before) or name in ("fc.weight", "bn.variance")
    np.testing.assert_array_equal(
        np.sort(drawn["bn.variance"].const_value.numpy()), np.sort(weights["bn.variance"])
    )
    before, after = weights["fc.weight"], drawn["fc.weight"].const_value.numpy()
    # of n normal draws the mean strays by s / sqrt(n) and the deviation by s / sqrt(2 n): five times that
    assert abs(after.mean() - before.mean()) < 5 * before.std() / np.sqrt(before.size)
    assert abs(after.std() / before.std() - 1) < 5 / np.sqrt(2 * before.size)
    assert abs(np.corrcoef(after.ravel(), before.ravel())[0, 1]) < 5 / np.sqrt(before.size)


def test_the_model_itself_is_left_alone() -> None:
    before = LENS.run(X)["logits"]
    Redrawing(LENS.evaluator).without([0, 1])
    np.testing.assert_array_equal(LENS.run(X)["logits"], before)


def test_by_hand() -> None:
    explained = LENS.explain(X, "saliency", target=3)
    made = trial(LENS, X, explained.raw[0], target=3, method="saliency")
    found = parameter_randomisation(made, stages=2, layers=2)
    layers = made.redrawing.layers if made.redrawing is not None else []
    expected = {"cascading": [layers[1], layers[0] + layers[1]], "independent": [layers[0], layers[1]]}
    for kind, names in expected.items():
        alike = []
        for each in names:
            other = Inspector(redraw(LENS.model.graph, each)).explain(X, "saliency", target=3).heatmap[0]
            alike.append([ssim(made.heatmap, other), spearman(made.heatmap, other)])
        np.testing.assert_allclose(found.curves[f"{kind}-ssim"][1], np.array(alike)[:, 0], atol=1e-4)
        np.testing.assert_allclose(found.curves[f"{kind}-spearman"][1], np.array(alike)[:, 1], atol=1e-4)
        np.testing.assert_allclose(found.values[f"{kind}-ssim"], np.mean(alike, axis=0)[0], atol=1e-4)
    np.testing.assert_array_equal(found.curves["cascading-ssim"][0], [1, 2])


def test_a_map_that_does_not_look_at_the_model_fails_and_one_that_does_passes() -> None:
    found = evaluate(LENS, [Sample("x", X)], ["random", "saliency"], ["parameter-randomisation"])
    for name in NAMES:
        np.testing.assert_allclose(found.values["random"][name], 1)
        assert found.values["saliency"][name] < 0.7


def test_the_class_stays_that_of_the_trained_model() -> None:
    """Drawn anew, the model prefers another class; the map asked for is still that of the first."""
    top = int(LENS.run(X)["logits"].argmax())
    own, named = (
        evaluate(LENS, [Sample("x", X, target)], ["saliency"], ["parameter-randomisation"])
        for target in (None, top)
    )
    for name in NAMES:
        assert own.values["saliency"][name] == named.values["saliency"][name]


def test_maps_of_zeros() -> None:
    zeros, some = np.zeros((16, 16)), np.random.default_rng(0).random((16, 16))
    empty = replace(trial(LENS, X, zeros, target=3), otherwise=lambda: some)
    assert np.isnan(list(label_randomisation(empty).values.values())).all()
    emptied = replace(trial(LENS, X, some, target=3), otherwise=lambda: zeros)
    assert list(label_randomisation(emptied).values.values()) == [0, 0]


def test_labels() -> None:
    weights = {
        **cnn_weights(),
        "fc.weight": normal(10, 4 * 49, seed=9),
        "conv.weight": normal(4, 3, 3, 3, seed=9),
    }
    other = Inspector(cnn(weights=weights))
    top = int(LENS.run(X)["logits"].argmax())
    same, found = (
        evaluate(LENS, [Sample("x", X)], ["saliency"], ["label-randomisation"], random_labels=each)
        for each in (Inspector(cnn()), other)
    )
    np.testing.assert_allclose(
        [same.values["saliency"][name][0] for name in ("label-ssim", "label-spearman")], 1
    )
    one, two = (scaled(each.explain(X, "saliency", target=top).raw[0]) for each in (LENS, other))
    np.testing.assert_allclose(found.values["saliency"]["label-ssim"], ssim(one, two))
    np.testing.assert_allclose(found.values["saliency"]["label-spearman"], spearman(one, two))


def test_a_model_without_weights_and_stages_that_mean_nothing_are_refused() -> None:
    from onnx import helper

    bare = model([helper.make_node("Relu", ["x"], ["y"])], {"x": ["n", 3]}, {"y": ["n", 3]})
    with pytest.raises(ModelError, match="none can be drawn anew"):
        assert Redrawing(Inspector(bare).evaluator).layers
    with pytest.raises(InputError, match="takes stages"):
        parameter_randomisation(trial(LENS, X, np.ones((16, 16)), target=3), stages=0)

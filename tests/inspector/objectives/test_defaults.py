"""What is explained where no target is named, and at which layer: against NumPy on the outputs."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper

from inspector import Inspector, Target
from inspector.errors import InputError, TargetError
from tests.inspector.graphs import model, normal
from tests.inspector.objectives import detectors

X = np.random.default_rng(3).normal(size=(3, 3, 32, 32)).astype(np.float32)
NAMES = "{0: 'cat', 1: 'dog', 2: 'cow'}"


def place(scores: NDArray[np.floating]) -> tuple[int, ...]:
    return tuple(int(one) for one in np.unravel_index(int(scores.argmax()), scores.shape))


@pytest.mark.parametrize("metadata", [None, {"names": NAMES}])
def test_the_best_box_of_columns_without_objectness(metadata: dict[str, str] | None) -> None:
    lens = Inspector(detectors.columns(metadata))
    output = lens.run(X)["output0"]
    best = [place(sample[4:]) for sample in output]
    explained = lens.explain(X)
    scores = [sample[4:].max() for sample in output]
    np.testing.assert_allclose(explained.score, scores, rtol=1e-5)
    labels = ("cat", "dog", "cow") if metadata else ("class 0", "class 1", "class 2")
    assert explained.target == tuple(f"output0: box {b}, {labels[c]}" for c, b in best)
    for sample, (number, box) in enumerate(best):
        by_hand = lens.gradient(X[sample : sample + 1], Target("output0", index=(4 + number, box)))
        np.testing.assert_allclose(lens.gradient(X)[sample], by_hand[0], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("box", "layer"), [(3, "class0.relu"), (15, "class0.relu"), (16, "class1.relu")])
def test_a_box_is_explained_at_the_last_features_of_its_own_level(box: int, layer: str) -> None:
    lens = Inspector(detectors.columns())
    assert lens.explain(X, "gradcam", target=f"output0[5, {box}]").layer == layer
    # the numbers of the box itself come from another branch
    assert lens.explain(X, "gradcam", target=f"output0[1, {box}]").layer == layer.replace("class", "box")


def test_a_detector_is_told_by_its_outputs() -> None:
    choice = Inspector(detectors.columns()).layer_choice()
    assert choice.kind == "a detector"
    assert "the smallest feature maps (2x2)" in choice.reason


def test_the_best_box_of_rows_with_objectness() -> None:
    lens = Inspector(detectors.rows())
    output = lens.run(X)["output"]
    explained = lens.explain(X)
    for sample, rows in enumerate(output):
        box, number = place(rows[:, 5:] * rows[:, 4:5])
        assert explained.target[sample] == f"output: box {box}, class {number}"
        # the gradient is that of objectness times class score, over the larger of the two
        object_, class_ = rows[box, 4], rows[box, 5 + number]
        parts = [
            lens.gradient(X[sample : sample + 1], Target("output", index=(box, n))) for n in (4, 5 + number)
        ]
        product = (class_ * parts[0] + object_ * parts[1]) / max(object_, class_)
        np.testing.assert_allclose(lens.gradient(X)[sample], product[0], rtol=1e-4, atol=1e-7)
        np.testing.assert_allclose(
            explained.score[sample], 2 * object_ * class_ / max(object_, class_), rtol=1e-5
        )
    assert lens.explain(X, "gradcam", target="output[18, 6]").layer == "level1.relu"


def test_the_best_score_of_several_levels() -> None:
    lens = Inspector(detectors.levels())
    outputs = lens.run(X)
    explained = lens.explain(X, "saliency")
    for sample in range(len(X)):
        level = int(outputs["class1"][sample].max() > outputs["class0"][sample].max())
        scores = outputs[f"class{level}"][sample]
        box, number = place(scores)
        assert explained.target[sample] == f"class{level}: box {box}, class {number}"
        assert explained.score[sample] == pytest.approx(scores.max(), rel=1e-5)
    assert lens.explain(X, "gradcam", target="class1[2, 1]").layer == "class1.relu"


@pytest.mark.parametrize("background", [None, 0, 3])
def test_the_best_score_beside_boxes_and_not_that_of_no_object(background: int | None) -> None:
    lens = Inspector(detectors.beside_boxes(background))
    logits = lens.run(X)["logits"].astype(np.float64)
    if background is not None:
        logits = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
        logits[:, :, background] = 0
    found = [place(sample) for sample in logits]
    assert lens.explain(X).target == tuple(f"logits: box {box}, class {number}" for box, number in found)


def test_the_best_of_the_boxes_that_were_selected() -> None:
    lens = Inspector(detectors.selected())
    scores = lens.run(X[:1])["scores"]
    explained = lens.explain(X[:1], "saliency", check=True)
    assert explained.target == (f"scores: box {scores.argmax()}",)
    np.testing.assert_allclose(explained.score, [scores.max()], rtol=1e-6)
    assert explained.heatmap.any()
    assert explained.check is not None
    assert explained.check.passed


def test_of_a_mask_the_places_in_front() -> None:
    lens = Inspector(detectors.mask())
    logits = lens.activations(X, ["map"])["map"]
    explained = lens.explain(X)
    expected = [sample[sample > 0].sum() for sample in logits]
    np.testing.assert_allclose(explained.score, expected, rtol=1e-4)
    assert explained.target[0] == f"mask: the {(logits[0] > 0).sum()} places of the mask"
    assert explained.layer == "bottleneck"


def test_a_mask_is_preferred_to_the_features_beside_it() -> None:
    proto = detectors.mask()
    features = helper.make_tensor_value_info("decoded", onnx.TensorProto.FLOAT, ["n", 8, 4, 4])
    # whichever comes first
    proto.graph.output.insert(0, features)
    proto.graph.output.append(
        helper.make_tensor_value_info("coarser", onnx.TensorProto.FLOAT, ["n", 8, 2, 2])
    )
    alone = Inspector(detectors.mask()).explain(X)
    beside = Inspector(proto).explain(X)
    assert beside.target == alone.target
    np.testing.assert_allclose(beside.score, alone.score, rtol=1e-6)


def test_of_a_map_of_classes_the_one_that_most_places_predict_at_the_bottleneck() -> None:
    lens = Inspector(detectors.segmenter())
    winners = lens.run(X)["map"].argmax(axis=1)
    explained = lens.explain(X)
    assert explained.target == tuple(f"map={np.bincount(sample.ravel()).argmax()}" for sample in winners)
    assert explained.layer == "bottleneck"
    assert lens.layer_choice().kind == "a model with a score for every place"
    # one pixel of the map is explained there too
    assert lens.explain(X, target="map[1, 3, 4]").layer == "bottleneck"


def test_of_a_sequence_each_positions_own_class() -> None:
    lens = Inspector(detectors.sequence())
    logits = lens.activations(X, ["logits"])["logits"]
    explained = lens.explain(X)
    np.testing.assert_allclose(explained.score, logits.max(axis=2).sum(axis=1), rtol=1e-5)
    assert explained.target[0] == "characters: each position's own class"
    assert explained.map.shape == (3, 1, 4)
    assert explained.heatmap.shape == (3, 32, 32)


def test_what_is_no_score_is_refused_and_the_outputs_are_listed() -> None:
    nodes = [helper.make_node("LayerNormalization", ["x", "scale"], ["hidden"])]
    proto = model(nodes, {"x": ["n", "t", 6]}, {"hidden": ["n", "t", 6]}, {"scale": np.ones(6, np.float32)})
    with pytest.raises(TargetError, match=r"no output is clearly .* 'hidden' float32 \(n, t, 6\)"):
        Inspector(proto).gradient(normal(1, 4, 6))


def test_an_output_of_integers_alone_names_what_it_is_picked_from() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["scores"]),
        helper.make_node("ArgMax", ["scores"], ["picked"], axis=1, keepdims=0),
    ]
    proto = model(nodes, {"x": ["n", 6]}, {}, {"w": normal(6, 3)})
    proto.graph.output.append(helper.make_tensor_value_info("picked", onnx.TensorProto.INT64, ["n"]))
    lens = Inspector(proto)
    with pytest.raises(TargetError, match=r"'picked' int64 is picked from 'scores': name .* 'scores\[0\]'"):
        lens.gradient(normal(2, 6))
    np.testing.assert_allclose(lens.gradient(normal(2, 6), "scores[0]"), np.tile(normal(6, 3)[:, 0], (2, 1)))


def test_an_output_that_is_a_single_number() -> None:
    nodes = [helper.make_node("ReduceSumSquare", ["x"], ["y"], keepdims=0)]
    lens = Inspector(model(nodes, {"x": ["n", 3]}, {"y": []}))
    x = normal(2, 3)
    for target in (None, "y"):
        np.testing.assert_allclose(lens.gradient(x, target), 2 * x, rtol=1e-6)


def test_a_target_that_no_input_reaches_has_no_gradient_and_that_is_said() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["maps"]),
        helper.make_node("GlobalAveragePool", ["maps"], ["logits"]),
        helper.make_node("Identity", ["c"], ["constant"]),
    ]
    outputs = {"logits": ["n", 2, 1, 1], "constant": [1, 2]}
    weights = {"w": normal(2, 3, 1, 1), "c": np.array([[1.0, 2.0]], np.float32)}
    lens = Inspector(model(nodes, {"x": ["n", 3, 4, 4]}, outputs, weights))
    x = normal(1, 3, 4, 4)
    assert not lens.gradient(x, "constant[0]").any()
    explained = lens.explain(x, target="constant[0]")
    assert explained.method == "saliency"
    assert (
        explained.notes[-1] == "image 1: the map is zero everywhere: no input reaches the target 'constant'"
    )


def test_a_model_of_words() -> None:
    """Relevance by position, where the embedding stands in for the ids."""
    table, w = normal(9, 5, scale=1), normal(5, 3, seed=1, scale=1)
    nodes = [
        helper.make_node("Equal", ["ids", "zero"], ["padding"]),
        helper.make_node("Cast", ["padding"], ["unused"], to=1),
        helper.make_node("Gather", ["table", "ids"], ["embedded"]),
        helper.make_node("Tanh", ["embedded"], ["tanh"]),
        helper.make_node("ReduceMean", ["tanh", "one"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "w"], ["logits"]),
    ]
    weights = {"table": table, "w": w, "one": np.array([1]), "zero": np.array(0)}
    proto = model(nodes, {"ids": ["n", "t"]}, {}, weights)
    proto.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    proto.graph.output.append(helper.make_tensor_value_info("logits", 1, ["n", 3]))
    lens, ids = Inspector(proto), np.array([[3, 1, 4, 1], [5, 0, 2, 6]])
    embedded = table[ids]
    gradient = (1 - np.tanh(embedded) ** 2) * w[:, 2] / 4
    np.testing.assert_allclose(lens.gradient(ids, 2), gradient, rtol=1e-5)
    assert lens.check(ids, 2).passed
    saliency = lens.explain(ids, target=2)
    assert (saliency.method, saliency.heatmap.shape) == ("saliency", (2, 4))
    np.testing.assert_allclose(saliency.raw, np.abs(gradient).max(axis=2), rtol=1e-5)
    assert saliency.notes == [
        "method saliency was chosen: the input is a sequence of numbers that stand for words or bytes",
        "input 'ids' holds int64, which has no gradient: it is taken at 'embedded' (Gather), the first floating-point "
        "tensor after it",
    ]
    signed = lens.explain(ids, "input-x-gradient", target=2)
    np.testing.assert_allclose(signed.raw, (embedded * gradient).sum(axis=2), rtol=1e-5, atol=1e-7)


def test_sizes_alone_are_no_way_to_take_a_gradient() -> None:
    nodes = [
        helper.make_node("Shape", ["ids"], ["shape"]),
        helper.make_node("Add", ["shape", "shape"], ["y"]),
    ]
    proto = model(nodes, {"ids": ["n", 2]}, {"y": [2]}, dtype=onnx.TensorProto.INT64)
    with pytest.raises(
        InputError, match=r"no floating-point tensor follows from the model's inputs \('ids' int64\)"
    ):
        Inspector(proto).maximize("y")


def test_a_target_that_no_input_reaches_has_a_zero_gradient_at_the_input() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["map"]),
        helper.make_node("GlobalAveragePool", ["map"], ["scores"]),
        helper.make_node("Tanh", ["fixed"], ["constant"]),
    ]
    proto = model(
        nodes, {"x": ["n", 3, 8, 8]}, {}, {"w": normal(4, 3, 3, 3), "fixed": np.ones((1, 5), np.float32)}
    )
    proto.graph.output.append(helper.make_tensor_value_info("scores", 1, ["n", 4, 1, 1]))
    proto.graph.output.append(helper.make_tensor_value_info("constant", 1, [1, 5]))
    lens, x = Inspector(proto), normal(1, 3, 8, 8).astype(np.float32)
    gradient = lens.gradient(x, "constant[2]")
    assert gradient.shape == x.shape
    assert not gradient.any()
    explained = lens.explain(x, target="constant[2]")
    assert explained.notes == [
        "method saliency was chosen: the model has no spatial feature map on the way to the target",
        "image 1: the map is zero everywhere: no input reaches the target 'constant'",
    ]
    assert lens.check(x, "constant[2]").verdict == "vacuous"

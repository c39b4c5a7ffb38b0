"""Score-CAM, Ablation-CAM and ReciproCAM by hand and in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

from inspector import Inspector, Target
from inspector.errors import LayerNotFound, ModelError
from tests.inspector.explain.cams.references import (
    Double,
    after_pool,
    forward,
    pooled,
    pooled_weights,
    tokens,
    tokens_logits,
)
from tests.inspector.graphs import cnn, cnn_weights, images, model, normal

torch = pytest.importorskip("torch")

X = images(2)
SMALL = images(2, size=8)
CLASSES = [1, 7]


def softmax(scores: Double) -> Double:
    powers = np.exp(scores - scores.max())
    found: Double = powers / powers.sum()
    return found


def masked_scores(x: NDArray[np.float32], maps: Double, number: int) -> Double:
    """Score-CAM's: what class `number` scores on a picture seen through each channel."""
    scores = []
    for channel in maps:
        large = torch.nn.functional.interpolate(
            torch.tensor(channel)[None, None], size=x.shape[1:], mode="bilinear"
        )[0, 0].numpy()
        mask = (large - large.min()) / (large.max() - large.min())
        masked = torch.tensor((x.astype(float) * mask)[None])
        scores.append(float(forward(masked)["logits"][0, number]))
    return np.array(scores)


@pytest.mark.parametrize(("layer", "batch"), [("relu", 1), ("relu", 3), ("conv", 16)])
def test_scorecam_weighs_channels_by_what_they_let_the_model_see(layer: str, batch: int) -> None:
    explained = Inspector(cnn()).explain(X, "scorecam", target=CLASSES, layer=layer, batch=batch)
    found = forward(torch.tensor(X.astype(float)))
    for sample, number in enumerate(CLASSES):
        maps = found[layer][sample].numpy()
        weights = softmax(masked_scores(X[sample], maps, number))
        expected = np.maximum(np.einsum("c,chw->hw", weights, maps), 0)
        np.testing.assert_allclose(explained.map[sample], expected, atol=1e-5 * expected.max())


def test_scorecam_of_a_file_whose_channels_come_last() -> None:
    last = cnn()
    (given,) = last.graph.input
    given.type.CopyFrom(helper.make_tensor_type_proto(1, ["batch", 16, 16, 3]))
    first = next(node for node in last.graph.node if given.name in node.input)
    first.input[list(first.input).index(given.name)] = "channels first"
    turned = helper.make_node("Transpose", [given.name], ["channels first"], perm=[0, 3, 1, 2])
    last.graph.node.insert(0, turned)
    maps = [
        Inspector(file).explain(x, "scorecam", target=CLASSES, layer="relu").map
        for file, x in ((cnn(), X), (last, np.ascontiguousarray(X.transpose(0, 2, 3, 1))))
    ]
    np.testing.assert_allclose(maps[1], maps[0], rtol=1e-5, atol=1e-6)


def test_scorecam_takes_no_softmax_of_probabilities() -> None:
    """A softmax over numbers in [0, 1] would make all weights nearly equal: of probabilities it takes their shares."""
    logit, probability = (
        Inspector(cnn(final="Softmax")).explain(X, "scorecam", target=CLASSES, layer="relu", score=score)
        for score in ("logit", "output")
    )
    plain = Inspector(cnn()).explain(X, "scorecam", target=CLASSES, layer="relu")
    np.testing.assert_allclose(logit.map, plain.map, rtol=1e-5, atol=1e-6)
    found = forward(torch.tensor(X.astype(float)))
    for sample, number in enumerate(CLASSES):
        maps = found["relu"][sample].numpy()
        shares = []
        for channel in maps:
            large = torch.nn.functional.interpolate(
                torch.tensor(channel)[None, None], size=(16, 16), mode="bilinear"
            )[0, 0]
            mask = (large - large.min()) / (large.max() - large.min())
            seen = forward((torch.tensor(X[sample].astype(float)) * mask)[None])["logits"][0]
            shares.append(float(torch.softmax(seen, 0)[number]))
        expected = np.einsum("c,chw->hw", np.array(shares) / sum(shares), maps)
        np.testing.assert_allclose(probability.map[sample], expected, atol=1e-5 * expected.max())


def test_a_constant_channel_masks_nothing_and_scorecam_leaves_it_out() -> None:
    # channel 1 is dead, channel 0 the picture's first colour
    weights = {"w": np.zeros((2, 3, 1, 1), np.float32), "v": normal(2, 4, scale=1)}
    weights["w"][0, 0] = 1
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["maps"]),
        helper.make_node("GlobalAveragePool", ["maps"], ["pool"]),
        helper.make_node("Flatten", ["pool"], ["flat"]),
        helper.make_node("MatMul", ["flat", "v"], ["logits"]),
    ]
    lens = Inspector(model(nodes, {"x": ["n", 3, 8, 8]}, {"logits": ["n", 4]}, weights))
    x = np.abs(SMALL)
    explained = lens.explain(x, "scorecam", target=2)
    # the only channel left has the whole weight
    np.testing.assert_allclose(explained.map, x[:, 0], rtol=1e-6)
    dark = lens.explain(np.zeros_like(x), "scorecam", target=2)
    assert not dark.heatmap.any()
    assert dark.notes[0].startswith("image 1: the map is zero everywhere")


@pytest.mark.parametrize("layer", ["relu", "last"])
def test_ablation_behind_a_pooled_linear_head_loses_weight_times_mean(layer: str) -> None:
    """Without channel k the score is lower by w_k mean(A_k): the map is the sum of w_k mean(A_k) A_k."""
    lens = Inspector(pooled(last=layer))
    explained = lens.explain(SMALL, "ablationcam", target=[3, 0], layer=layer)
    a = lens.activations(SMALL, layers="relu")["relu"].astype(float)
    head = pooled_weights()["fc.weight"].astype(float)[[3, 0]]
    expected = np.maximum(np.einsum("nk,nk,nkhw->nhw", head, a.mean(axis=(2, 3)), a), 0)
    np.testing.assert_allclose(explained.map, expected, atol=1e-5 * expected.max())


def test_ablation_of_a_negative_score_keeps_its_direction() -> None:
    """The paper divides by the score, which turns the map of a negative one round."""
    lens = Inspector(pooled())
    logits = lens.run(SMALL[:1])["logits"][0]
    low, high = int(logits.argmin()), int(logits.argmax())
    explained = lens.explain(SMALL[:1], "ablationcam", target=Target(index=low) - Target(index=high))
    assert explained.score[0] < 0
    a = lens.activations(SMALL[:1], layers="relu")["relu"][0].astype(float)
    head = pooled_weights()["fc.weight"].astype(float)
    total = np.einsum("k,k,khw->hw", head[low] - head[high], a.mean(axis=(1, 2)), a)
    np.testing.assert_allclose(explained.map[0], np.maximum(total, 0), atol=1e-5 * np.abs(total).max())


def test_ablation_through_a_nonlinear_end_is_a_pass_per_channel() -> None:
    explained = Inspector(cnn()).explain(X, "ablationcam", target=CLASSES, layer="relu", batch=3)
    found = forward(torch.tensor(X.astype(float)))
    for sample, number in enumerate(CLASSES):
        maps = found["relu"][sample]
        total = np.zeros(maps.shape[1:])
        for channel in range(len(maps)):
            without = maps.clone()
            without[channel] = 0
            lost = found["logits"][sample, number] - from_relu(without[None])[0, number]
            total += float(lost) * maps[channel].numpy()
        expected = np.maximum(total, 0)
        np.testing.assert_allclose(explained.map[sample], expected, atol=2e-5 * expected.max())


def from_relu(relu: torch.Tensor) -> torch.Tensor:
    w = {name: torch.tensor(array.astype(float)) for name, array in cnn_weights().items()}
    normed = torch.nn.functional.batch_norm(
        relu, w["bn.mean"], w["bn.variance"], w["bn.scale"], w["bn.shift"], eps=1e-5
    )
    return after_pool(torch.nn.functional.max_pool2d(normed, 2))


@pytest.mark.parametrize("layer", ["relu", "last"])
def test_reciprocam_behind_a_pooled_linear_head_is_the_places_own_share(layer: str) -> None:
    """One place alone scores sum_k w_k A_k(place) / places, with the bias; the lowest is subtracted."""
    lens = Inspector(pooled(last=layer))
    explained = lens.explain(SMALL, "reciprocam", target=[3, 0], layer=layer)
    a = lens.activations(SMALL, layers="relu")["relu"].astype(float)
    share = np.einsum("nk,nkhw->nhw", pooled_weights()["fc.weight"].astype(float)[[3, 0]], a) / 36
    expected = share - share.min(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(explained.map, expected, atol=1e-5 * expected.max())


def test_reciprocam_of_a_probability() -> None:
    """As the authors have it: the softmax's probability of the masked features."""
    lens = Inspector(pooled(final="Softmax"))
    explained = lens.explain(SMALL, "reciprocam", target=[3, 0], score="output")
    a = lens.activations(SMALL, layers="relu")["relu"].astype(float)
    w = {name: array.astype(float) for name, array in pooled_weights().items()}
    for sample, number in enumerate([3, 0]):
        found = np.zeros((6, 6))
        for row, column in np.ndindex(6, 6):
            logits = w["fc.weight"] @ a[sample, :, row, column] / 36 + w["fc.bias"]
            found[row, column] = softmax(logits)[number]
        expected = found - found.min()
        np.testing.assert_allclose(explained.map[sample], expected, atol=1e-4 * expected.max())


def test_tokens_one_channel_or_all_but_one_place() -> None:
    """Ablation takes a channel from the first token too; ReciproCAM leaves that token in place."""
    lens = Inspector(tokens())
    seen = lens.activations(X, layers="tokens")["tokens"].astype(float)
    scores = tokens_logits(seen)[range(2), [4, 2]]

    ablated = lens.explain(X, "ablationcam", target=[4, 2], layer="tokens")
    assert ablated.map.shape == (2, 4, 4)
    total = np.zeros((2, 16))
    for channel in range(6):
        without = seen.copy()
        without[..., channel] = 0
        lost = scores - tokens_logits(without)[range(2), [4, 2]]
        total += lost[:, None] * seen[:, 1:, channel]
    expected = np.maximum(total, 0).reshape(2, 4, 4)
    np.testing.assert_allclose(ablated.map, expected, atol=1e-5 * np.abs(total).max())

    alone = np.zeros((2, 16))
    for place in range(16):
        kept = np.zeros_like(seen)
        kept[:, [0, place + 1]] = seen[:, [0, place + 1]]
        alone[:, place] = tokens_logits(kept)[range(2), [4, 2]]
    expected = (alone - alone.min(axis=1, keepdims=True)).reshape(2, 4, 4)
    recipro = lens.explain(X, "reciprocam", target=[4, 2], layer="tokens")
    np.testing.assert_allclose(recipro.map, expected, atol=1e-5 * expected.max())

    scored = lens.explain(X, "scorecam", target=[4, 2], layer="tokens")
    assert scored.map.shape == (2, 4, 4)
    assert scored.heatmap.max() == 1


def test_progress_and_the_size_of_a_batch() -> None:
    seen: list[tuple[int, int]] = []
    lens = Inspector(pooled())
    lens.explain(
        SMALL, "ablationcam", target=1, batch=5, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(5, 12), (10, 12), (12, 12)]


def test_a_layer_whose_samples_lie_along_another_axis_is_refused() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["maps"]),
        helper.make_node("Transpose", ["maps"], ["turned"], perm=[1, 0, 2, 3]),
        helper.make_node("Relu", ["turned"], ["rectified"]),
        helper.make_node("Transpose", ["rectified"], ["back"], perm=[1, 0, 2, 3]),
        helper.make_node("GlobalAveragePool", ["back"], ["pool"]),
        helper.make_node("Flatten", ["pool"], ["logits"]),
    ]
    lens = Inspector(model(nodes, {"x": ["n", 3, 8, 8]}, {"logits": ["n", 4]}, {"w": normal(4, 3, 3, 3)}))
    with pytest.raises(LayerNotFound, match="first axis of 'rectified'"):
        lens.explain(SMALL, "ablationcam", target=1, layer="rectified")


@pytest.mark.parametrize("method", ["scorecam", "ablationcam", "reciprocam"])
def test_scores_that_overflow_are_refused(method: str) -> None:
    weights = cnn_weights()
    weights["fc.weight"] *= np.float32(3e38)
    with pytest.raises(ModelError, match="not finite"):
        Inspector(cnn(weights=weights)).explain(X, method, target=3)

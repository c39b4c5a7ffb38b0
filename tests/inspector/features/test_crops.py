"""Receptive fields against what really changes a place, and the strongest crops by looking at every place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper

from inspector import Inspector
from inspector.errors import InputError, LayerNotFound
from inspector.features.receptive import windows_of
from tests.inspector.graphs import cnn, images, model, normal


def network(sides: tuple[int, ...] = (24, 20)) -> Inspector:
    """Strides, dilation, uneven padding, a shortcut, pooling, and a pooled gate behind them."""
    ones = {f"w{i}": np.ones((2, 2 if i else 1, 3, 3), np.float32) for i in range(4)}
    nodes = [
        helper.make_node("Conv", ["x", "w0"], ["a"], strides=[2, 1], pads=[1, 0, 0, 2]),
        helper.make_node("Conv", ["a", "w1"], ["b"], dilations=[2, 1], pads=[2, 1, 2, 1]),
        helper.make_node("Add", ["a", "b"], ["c"]),
        helper.make_node("AveragePool", ["c"], ["d"], kernel_shape=[2, 3], strides=[2, 2]),
        helper.make_node("Conv", ["d", "w2"], ["e"], auto_pad="SAME_UPPER", strides=[2, 2]),
        helper.make_node("Pad", ["e", "pads"], ["f"]),
        helper.make_node("Transpose", ["f"], ["g"], perm=[0, 2, 3, 1]),
        helper.make_node("GlobalAveragePool", ["e"], ["gate"]),
        helper.make_node("Mul", ["e", "gate"], ["gated"]),
        helper.make_node("Resize", ["e", "", "scales"], ["larger"]),
    ]
    weights: dict[str, Any] = {
        **ones,
        "pads": np.array([0, 0, 1, 0, 0, 0, 0, 1], dtype=np.int64),
        "scales": np.array([1, 1, 2, 2], dtype=np.float32),
    }
    outputs = dict.fromkeys(["g", "gated", "larger"])
    return Inspector(model(nodes, {"x": [1, 1, *sides]}, outputs, weights))


@pytest.mark.parametrize("layer", ["a", "b", "c", "d", "e", "f", "g"])
def test_a_receptive_field_is_what_changes_the_place(layer: str) -> None:
    """All weights are positive: every pixel that is seen raises the place, no other does."""
    lens = network()
    windows = windows_of(lens.model.graph, "x", (2, 3), 4, layer)
    assert windows is not None
    pixels = np.eye(24 * 20, dtype=np.float32).reshape(480, 1, 24, 20)
    seen = np.concatenate([lens.activations(each[None], layer)[layer] for each in pixels])
    seen = seen.max(axis=3) if layer == "g" else seen.max(axis=1)
    for place in np.ndindex(seen.shape[1:]):
        mask = (seen[:, *place] > 0).reshape(24, 20)
        for axis, (window, at, side) in enumerate(zip(windows, place, (24, 20), strict=True)):
            touched = np.flatnonzero(mask.any(axis=1 - axis))
            if not len(touched):
                continue  # a place of padding alone
            begin, end = window.pixels(at, side)
            assert begin <= touched[0] <= touched[-1] < end, (layer, place, axis)
            # beyond the border the layers between have padding, which hides the far corner of a window
            first, last = window.stride * at + window.first, window.stride * at + window.last
            if first >= 0 and last < side:
                assert (begin, end) == (touched[0], touched[-1] + 1), (layer, place, axis)


@pytest.mark.parametrize("layer", ["gate", "gated", "larger"])
def test_what_sees_everything_or_is_enlarged_has_none(layer: str) -> None:
    assert windows_of(network().model.graph, "x", (2, 3), 4, layer) is None


def test_the_strongest_crops_are_those_of_a_search_through_all_places() -> None:
    lens = Inspector(cnn())
    x = images(11)
    values = lens.activations(x, "max_pool")["max_pool"]
    found = lens.top_crops("max_pool", [2, 0], x, count=4, batch=3)
    for channel, crops in zip([2, 0], found, strict=True):
        order = np.argsort(-values[:, channel].reshape(11, -1).max(axis=1))[:4]
        assert [crop.image for crop in crops] == order.tolist()
        for crop in crops:
            here = values[crop.image, channel]
            assert crop.score == here.max() == here[crop.place]
            # a 3 x 3 convolution under a 2 x 2 pooling with stride 2
            assert crop.box == tuple((2 * at, 2 * at + 4) for at in crop.place)
            (top, bottom), (left, right) = crop.box
            np.testing.assert_array_equal(crop.pixels, x[crop.image, :, top:bottom, left:right])
    alone = lens.top_crops("max_pool", 2, x, count=4)
    assert [crop.image for crop in alone] == [crop.image for crop in found[0]]


def test_images_come_one_by_one_and_progress_is_told() -> None:
    lens = Inspector(cnn())
    x = images(5)
    seen: list[int] = []
    found = lens.top_crops("relu", 1, (each[None] for each in x), batch=2, progress=seen.append)
    assert seen == [2, 4, 5]
    assert sorted(crop.image for crop in found) == [0, 1, 2, 3, 4]
    assert [crop.score for crop in found] == sorted((crop.score for crop in found), reverse=True)


def test_images_of_several_sizes() -> None:
    nodes = [helper.make_node("Conv", ["x", "w"], ["conv"])]
    lens = Inspector(model(nodes, {"x": ["n", 3, "h", "w"]}, {"conv": None}, {"w": normal(4, 3, 3, 3)}))
    given = [images(2, 9), images(1, 12), images(3, 7)]
    found = lens.top_crops("conv", 0, given, count=6)
    assert sorted(crop.image for crop in found) == list(range(6))
    for crop in found:
        assert crop.pixels.shape == (3, 3, 3)


def test_crops_of_a_class_are_whole_images() -> None:
    lens = Inspector(cnn())
    x = images(4)
    best = lens.top_crops("logits", 3, x, count=1)[0]
    assert best.image == lens.run(x)["logits"][:, 3].argmax()
    assert best.box == ((0, 16), (0, 16))
    assert best.place == ()


def test_cells_of_the_grid_where_no_receptive_field_is_known() -> None:
    lens = network()
    best = lens.top_crops("larger", 0, normal(1, 1, 24, 20), count=1)[0]
    height, width = lens.activations(normal(1, 1, 24, 20), "larger")["larger"].shape[2:]
    for (begin, end), at, cells, side in zip(best.box, best.place, (height, width), (24, 20), strict=True):
        # the cell itself lies inside, and the box reaches no further than its neighbours
        assert begin <= at / cells * side
        assert end >= (at + 1) / cells * side
        assert end - begin <= 3 * side / cells + 2


def test_channel_last_pictures() -> None:
    nodes = [
        helper.make_node("Transpose", ["pixels"], ["first"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["first", "w"], ["conv"]),
    ]
    lens = Inspector(model(nodes, {"pixels": ["n", 8, 9, 3]}, {"conv": None}, {"w": normal(4, 3, 3, 3)}))
    x = normal(2, 8, 9, 3)
    crop = lens.top_crops("conv", 1, x, count=1)[0]
    (top, bottom), (left, right) = crop.box
    np.testing.assert_array_equal(crop.pixels, x[crop.image, top:bottom, left:right].transpose(2, 0, 1))


def test_what_cannot_be_found() -> None:
    lens = Inspector(cnn())
    with pytest.raises(LayerNotFound, match="'conv' has channels 0 to 3, not 4"):
        lens.top_crops("conv", 4, images(1))
    with pytest.raises(InputError, match="no image to look for crops in"):
        lens.top_crops("conv", 0, [])

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from inspector import Inspector
from inspector.errors import InputError, LayerNotFound
from tests.inspector.graphs import cnn, cnn_weights, model, normal

UNIT = {"input": {"layout": "NCHW", "range": [0, 1], "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]}}


def test_a_channels_activation_rises() -> None:
    lens = Inspector(cnn())
    channels = [0, 1, 2, 3]
    start = lens.maximize("conv", channels, steps=0)
    made = lens.maximize("conv", channels, steps=10)
    assert made.shape == (4, 3, 16, 16)
    assert made.dtype == np.float32

    def response(images: np.ndarray) -> np.ndarray:
        return lens.activations(images, layers="conv")["conv"].mean(axis=(2, 3))[range(4), channels]

    assert (response(made) > response(start)).all()


def test_one_step_on_a_linear_layer_is_its_normalised_gradient() -> None:
    lens = Inspector(cnn(metadata=UNIT))
    start, made = (lens.maximize("conv", [2], steps=steps, step=0.1)[0] for steps in (0, 1))
    # the mean of a convolution's outputs has the same gradient for every image
    gradient = np.zeros((3, 16, 16))
    for row in range(14):
        for column in range(14):
            gradient[:, row : row + 3, column : column + 3] += cnn_weights()["conv.weight"][2] / 14**2
    expected = 0.1 * gradient / np.sqrt((gradient**2).mean())
    span = 1 / np.array([0.2, 0.3, 0.4]).reshape(3, 1, 1)
    np.testing.assert_allclose(made - start, span * expected, atol=1e-5)


def test_the_blank_image_is_grey_in_the_inputs_own_units() -> None:
    blank = Inspector(cnn(metadata=UNIT)).maximize("conv", [0], steps=0)[0]
    mean, std = np.array([0.5, 0.4, 0.3]), np.array([0.2, 0.3, 0.4])
    pixels = blank * std.reshape(3, 1, 1) + mean.reshape(3, 1, 1)
    assert abs(pixels.mean() - 0.5) < 0.01
    assert 0.01 < pixels.std() < 0.04


def test_all_channels_in_one_batch_are_as_if_alone() -> None:
    lens = Inspector(cnn())
    together = lens.maximize("max_pool", [3, 0, 2], steps=6, seed=5)
    for channel, made in zip([3, 0, 2], together, strict=True):
        np.testing.assert_allclose(lens.maximize("max_pool", [channel], steps=6, seed=5)[0], made, atol=1e-4)


def test_it_is_deterministic_for_a_seed() -> None:
    first = Inspector(cnn()).maximize("relu", steps=4, seed=7)
    np.testing.assert_array_equal(Inspector(cnn()).maximize("relu", steps=4, seed=7), first)
    assert len(first) == 4
    assert np.abs(Inspector(cnn()).maximize("relu", steps=4, seed=8) - first).max() > 1e-3


def test_class_images_from_logits() -> None:
    lens = Inspector(cnn())
    made = lens.maximize("logits", steps=20)
    scores = lens.run(made)["logits"]
    np.testing.assert_array_equal(scores.argmax(axis=1), np.arange(10))


def test_a_fixed_batch_and_channel_last_pictures() -> None:
    nodes = [
        helper.make_node("Transpose", ["pixels"], ["first"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["first", "w"], ["conv"]),
    ]
    weights = {"w": cnn_weights()["conv.weight"]}
    lens = Inspector(model(nodes, {"pixels": [2, 16, 16, 3]}, {"conv": [2, 4, 14, 14]}, weights))
    made = lens.maximize("conv", [0, 1, 3], steps=3)
    assert made.shape == (3, 3, 16, 16)
    moves = made - lens.maximize("conv", [0, 1, 3], steps=0)
    first = Inspector(cnn())
    expected = first.maximize("conv", [0, 1, 3], steps=3) - first.maximize("conv", [0, 1, 3], steps=0)
    np.testing.assert_allclose(moves, expected, atol=1e-5)


def test_a_size_for_models_that_take_any() -> None:
    nodes = [helper.make_node("Conv", ["x", "w"], ["conv"])]
    lens = Inspector(model(nodes, {"x": ["n", 3, "h", "w"]}, {"conv": None}, {"w": normal(4, 3, 3, 3)}))
    assert lens.maximize("conv", [1], steps=1, size=(20, 30)).shape == (1, 3, 20, 30)
    assert lens.maximize("conv", [1], steps=0).shape == (1, 3, 224, 224)


def test_an_image_to_start_from_and_progress() -> None:
    lens = Inspector(cnn())
    start = normal(3, 16, 16)
    seen: list[tuple[int, int]] = []
    made = lens.maximize("conv", [0, 1], steps=0, start=start)
    np.testing.assert_array_equal(made, np.stack([start, start]))
    lens.maximize("conv", [0], steps=3, start=start, progress=lambda done, steps: seen.append((done, steps)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_no_channel_at_all() -> None:
    with pytest.raises(LayerNotFound, match="no channel of layer 'conv' is named"):
        Inspector(cnn()).maximize("conv", [])


def test_an_unknown_channel() -> None:
    with pytest.raises(LayerNotFound, match="'conv' has channels 0 to 3, not 4"):
        Inspector(cnn()).maximize("conv", [4])


def test_a_model_with_several_inputs_is_refused() -> None:
    lens = Inspector(
        model([helper.make_node("Add", ["a", "b"], ["y"])], {"a": ["n", 2], "b": ["n", 2]}, {"y": None})
    )
    with pytest.raises(InputError, match="single input; this one also takes 'b'"):
        lens.maximize("y", [0])

"""Neurons, directions, several images of one channel, and the evaluator's vector-Jacobian product."""

from __future__ import annotations

import numpy as np
import pytest

from inspector import Inspector
from inspector.errors import LayerNotFound
from tests.inspector.graphs import cnn, cnn_weights, images

STEP = 0.1


def one_step(**options: object) -> np.ndarray:
    """What one step of the ascent on the convolution adds to the blank image."""
    lens = Inspector(cnn())
    start, made = (lens.maximize("conv", steps=steps, step=STEP, **options) for steps in (0, 1))
    return made - start


def unit(gradient: np.ndarray) -> np.ndarray:
    return STEP * gradient / np.sqrt((gradient**2).mean())


@pytest.mark.parametrize(("neuron", "place"), [((3, 5), (3, 5)), ("center", (7, 7)), ("centre", (7, 7))])
def test_one_step_for_a_neuron_is_its_kernel_at_its_place(neuron: object, place: tuple[int, int]) -> None:
    row, column = place
    moves = one_step(channels=[2, 0], neuron=neuron)
    for channel, move in zip([2, 0], moves, strict=True):
        expected = np.zeros((3, 16, 16))
        expected[:, row : row + 3, column : column + 3] = cnn_weights()["conv.weight"][channel]
        np.testing.assert_allclose(move, unit(expected), atol=1e-6)


def test_one_step_for_a_direction_is_the_sum_of_kernels() -> None:
    vectors = np.random.default_rng(0).normal(size=(2, 4))
    moves = one_step(direction=vectors, neuron=(0, 0))
    assert moves.shape == (2, 3, 16, 16)
    for vector, move in zip(vectors, moves, strict=True):
        expected = np.zeros((3, 16, 16))
        expected[:, :3, :3] = np.tensordot(vector, cnn_weights()["conv.weight"], 1)
        np.testing.assert_allclose(move, unit(expected), atol=1e-6)
    # only where it points to counts
    np.testing.assert_allclose(one_step(direction=5 * vectors[0], neuron=(0, 0))[0], moves[0], atol=1e-6)
    np.testing.assert_allclose(one_step(direction=np.eye(4)[1]), one_step(channels=[1]), atol=1e-6)


def test_goals_that_the_layer_does_not_have() -> None:
    lens = Inspector(cnn())
    with pytest.raises(LayerNotFound, match=r"'conv' has no neuron at \(3, 14\): its channels are 14 x 14"):
        lens.maximize("conv", [0], neuron=(3, 14))
    with pytest.raises(LayerNotFound, match="no neuron 'middle'"):
        lens.maximize("conv", [0], neuron="middle")
    with pytest.raises(LayerNotFound, match="'logits' are single neurons"):
        lens.maximize("logits", [0], neuron=3)
    with pytest.raises(LayerNotFound, match=r"'conv' has 4 numbers, one per channel; given \(5,\)"):
        lens.maximize("conv", direction=np.ones(5))
    with pytest.raises(LayerNotFound, match="finite and have a length"):
        lens.maximize("conv", direction=np.zeros(4))
    with pytest.raises(LayerNotFound, match="one or the other"):
        lens.maximize("conv", [0], direction=np.ones(4))


@pytest.mark.parametrize("batch", ["batch", 2])
def test_a_cotangent_at_a_layer_is_pulled_back(batch: int | str) -> None:
    """Of the sum of a class's logit the cotangent at the logits is one-hot: what `gradient` says by another way."""
    lens = Inspector(cnn(batch=batch))
    x = images(3)
    cotangent = np.zeros((3, 10), np.float32)
    cotangent[range(3), [4, 1, 7]] = [1, -2, 0.5]
    found = lens.evaluator.pull_back({"image": x}, {"logits": cotangent}, ["image", "relu"])
    for wrt in ("image", "relu"):
        expected = lens.gradient(x, [4, 1, 7], wrt) * np.array([1, -2, 0.5]).reshape(3, 1, 1, 1)
        np.testing.assert_allclose(found[wrt], expected, rtol=1e-5, atol=1e-7)

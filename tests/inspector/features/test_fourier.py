"""Ascents on a spectrum, and what is common to both parametrisations: penalties, diversity, ways in."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from onnx import helper

from inspector import Inspector
from inspector.errors import InputError
from inspector.features.diversity import similarity
from inspector.features.penalties import roughness
from inspector.model import InputSpec
from tests.inspector.graphs import cnn, cnn_weights, model, normal

UNIT = {"input": {"layout": "NCHW", "range": [0, 1], "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]}}
SIGNED = InputSpec(range=(-1, 1))
FOURIER: dict[str, Any] = {"parametrisation": "fourier", "steps": 12}


def amounts(made: np.ndarray) -> np.ndarray:
    mean, std = (np.array(UNIT["input"][name]).reshape(3, 1, 1) for name in ("mean", "std"))
    return made * std + mean


def test_scores_rise_and_values_stay_in_the_range() -> None:
    lens = Inspector(cnn(metadata=UNIT))
    channels = [3, 0, 2]
    made = lens.maximize("conv", channels, **FOURIER)
    start = lens.maximize("conv", channels, **FOURIER | {"steps": 0})

    def response(images: np.ndarray) -> np.ndarray:
        return lens.activations(images, "conv")["conv"].mean(axis=(2, 3))[range(3), channels]

    assert made.shape == (3, 3, 16, 16)
    assert made.dtype == np.float32
    assert (response(made) > response(start) + 0.05).all()
    assert 0 < amounts(made).min() < amounts(made).max() < 1


def test_a_seed_settles_everything_and_company_nothing() -> None:
    lens = Inspector(cnn(metadata=UNIT))
    together = lens.maximize("relu", [3, 0, 2], seed=4, **FOURIER)
    np.testing.assert_array_equal(lens.maximize("relu", [3, 0, 2], seed=4, **FOURIER), together)
    # Adam divides small gradients by their own size, so roundings of the session show
    for channel, made in zip([3, 0, 2], together, strict=True):
        np.testing.assert_allclose(lens.maximize("relu", [channel], seed=4, **FOURIER)[0], made, atol=2e-3)
    np.testing.assert_allclose(
        lens.maximize("relu", [3, 0, 2], seed=4, batch=2, **FOURIER), together, atol=2e-3
    )
    assert np.abs(lens.maximize("relu", [3, 0, 2], seed=5, **FOURIER) - together).max() > 0.1


def test_an_ascent_on_a_linear_layer_goes_up_its_gradient_through_the_spectrum() -> None:
    """Steps that undo the spectrum's own scale would be the same for all waves; these raise low ones more."""
    lens = Inspector(cnn())
    plain = FOURIER | {
        "transforms": {},
        "ascent": "normalised",
        "step": 0.05,
        "steps": 1,
        "decorrelate": False,
    }
    start, made = (lens.maximize("conv", [1], **plain | {"steps": steps})[0] for steps in (0, 1))
    kernel = cnn_weights()["conv.weight"][1]
    gradient = np.zeros((3, 16, 16))
    for row in range(14):
        for column in range(14):
            gradient[:, row : row + 3, column : column + 3] += kernel
    # a step to first order: the image moves along A Aᵀ g, with A from coefficients to pixels
    squashed = start * (1 - start)
    frequency = np.hypot(np.fft.fftfreq(16)[:, None], np.fft.rfftfreq(16)[None])
    scale = 1 / np.maximum(frequency, 1 / 16)
    expected = squashed * np.fft.irfft2(np.fft.rfft2(squashed * gradient) * scale**2, s=(16, 16))
    moved = (made - start).ravel().astype(np.float64)
    cosine = moved @ expected.ravel() / np.linalg.norm(moved) / np.linalg.norm(expected)
    assert cosine > 0.98


def test_channel_last_pictures_get_the_same_images() -> None:
    nodes = [
        helper.make_node("Transpose", ["pixels"], ["first"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["first", "conv.weight", "conv.bias"], ["conv"]),
    ]
    weights = {name: cnn_weights()[name] for name in ("conv.weight", "conv.bias")}
    lens = Inspector(model(nodes, {"pixels": ["n", 16, 16, 3]}, {"conv": None}, weights))
    expected = Inspector(cnn()).maximize("conv", [0, 1], **FOURIER)
    np.testing.assert_allclose(lens.maximize("conv", [0, 1], **FOURIER), expected, atol=2e-3)


def test_signals_and_volumes() -> None:
    for sides in ((24,), (6, 8, 7)):
        weights = {"w": normal(4, 2, *[3] * len(sides))}
        nodes = [helper.make_node("Conv", ["x", "w"], ["conv"])]
        lens = Inspector(model(nodes, {"x": ["n", 2, *sides]}, {"conv": None}, weights))
        made, start = (lens.maximize("conv", [1], **FOURIER | {"steps": steps}) for steps in (12, 0))
        assert made.shape == (1, 2, *sides)
        before, after = (lens.activations(each, "conv")["conv"][0, 1].mean() for each in (start, made))
        assert after > before


def test_a_recipe_in_place_of_the_metadata() -> None:
    recipe = InputSpec(range=(0, 255), mean=(100.0,), std=(50.0,))
    made = Inspector(cnn()).maximize("relu", [0], recipe=recipe, **FOURIER)
    pixels = made * 50 + 100
    assert 0 < pixels.min() < 100 < 150 < pixels.max() < 255


def test_what_is_held_against_an_image_is_less_of() -> None:
    lens = Inspector(cnn(metadata=UNIT))
    for options in ({"steps": 15}, FOURIER):
        free = amounts(lens.maximize("relu", [1], **options))
        smooth = amounts(lens.maximize("relu", [1], tv=0.5, **options))
        grey = amounts(lens.maximize("relu", [1], l2=2, **options))
        assert roughness(smooth)[0] < 0.7 * roughness(free)[0]
        assert np.abs(grey - 0.5).mean() < 0.9 * np.abs(free - 0.5).mean()


def test_diversity_makes_images_of_a_channel_less_alike() -> None:
    nodes = [helper.make_node("Conv", ["x", "w"], ["conv"]), helper.make_node("Relu", ["conv"], ["relu"])]
    weights = {"w": normal(6, 3, 5, 5, scale=1.0)}
    lens = Inspector(model(nodes, {"x": ["n", 3, 20, 20]}, {"relu": None}, weights))

    def likeness(parametrisation: str, diversity: float) -> float:
        options = {"parametrisation": parametrisation, "diversity": diversity, "recipe": SIGNED}
        made = lens.maximize("relu", [2, 2, 2, 0], 20, **options)
        values = lens.activations(made[:3], "relu")["relu"]
        return similarity(values.reshape(3, 6, -1))[0]

    for parametrisation in ("pixels", "fourier"):
        assert likeness(parametrisation, 2.0) < likeness(parametrisation, 0.0) - 0.02
    # alone in its channel an image has nothing to differ from
    made = [lens.maximize("relu", [2, 2, 0], diversity=each, **FOURIER)[2] for each in (0.0, 2.0)]
    np.testing.assert_allclose(*made, atol=2e-3)


def shut_out() -> Inspector:
    """A channel that no image near grey excites, behind two rectifiers, and one that answers to all."""
    weights = cnn_weights()
    nodes = [
        helper.make_node("Conv", ["image", "conv.weight", "bias"], ["conv"]),
        helper.make_node("Clip", ["conv", "low", "high"], ["cut"]),
        helper.make_node("Conv", ["cut", "second"], ["deeper"], group=4),
        helper.make_node("Relu", ["deeper"], ["relu"]),
    ]
    arrays = {
        "conv.weight": weights["conv.weight"],
        "bias": np.array([-1.5, 0.5, 9, 0.5], dtype=np.float32),
        "low": np.float32(0),
        "high": np.float32(6),
        "second": np.array([1, 1, -1, 1], dtype=np.float32).reshape(4, 1, 1, 1),
    }
    return Inspector(model(nodes, {"image": ["n", 3, 16, 16]}, {"relu": None}, arrays, metadata=UNIT))


def test_a_way_in_for_what_rectifiers_shut_out() -> None:
    lens = shut_out()
    start = lens.maximize("deeper", [0, 1, 2], **FOURIER | {"steps": 0})
    left = lens.maximize("deeper", [0, 1, 2], redirect=False, **FOURIER)
    np.testing.assert_array_equal(left[0], start[0])
    made = lens.maximize("deeper", [0, 1, 2], **FOURIER | {"steps": 40})
    before, after = (lens.activations(each, "conv")["conv"].mean(axis=(2, 3)) for each in (start, made))
    # below the range it is drawn up, above it (its weight behind is negative) down
    assert after[0, 0] > before[0, 0] + 0.5
    assert after[2, 2] < before[2, 2] - 0.5
    # and an image that has a gradient keeps to it
    np.testing.assert_array_equal(lens.maximize("deeper", [1], redirect=False, **FOURIER),
                                  lens.maximize("deeper", [1], **FOURIER))  # fmt: skip
    # pixels keep the plain gradient
    blank, still = (lens.maximize("deeper", [0], steps=steps) for steps in (0, 3))
    np.testing.assert_array_equal(blank, still)


@pytest.mark.parametrize("parametrisation", ["pixels", "fourier"])
def test_every_step_is_shown(parametrisation: str) -> None:
    frames: list[tuple[int, np.ndarray]] = []
    lens = Inspector(cnn())
    made = lens.maximize("conv", [0, 1], steps=3, parametrisation=parametrisation,
                         watch=lambda done, images: frames.append((done, images)))  # fmt: skip
    assert [done for done, _ in frames] == [0, 1, 2, 3]
    np.testing.assert_array_equal(frames[-1][1], made)
    assert all(np.abs(later - sooner).max() > 0 for (_, sooner), (_, later) in pairwise(frames))


def test_options_that_do_not_fit() -> None:
    lens = Inspector(cnn())
    with pytest.raises(InputError, match="no parametrisation 'wavelet': choose pixels or fourier"):
        lens.maximize("conv", [0], parametrisation="wavelet")
    with pytest.raises(InputError, match="no ascent 'newton': choose normalised or adam"):
        lens.maximize("conv", [0], ascent="newton")
    with pytest.raises(
        InputError, match=r"shape \(3, 16, 16\), or one for each \(2, 3, 16, 16\); given \(3, 8, 8\)"
    ):
        lens.maximize("conv", [0, 1], start=np.zeros((3, 8, 8)))
    dense = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    flat = Inspector(model(dense, {"x": ["n", 5]}, {"y": None}, {"w": normal(5, 4)}))
    assert flat.maximize("y", [0, 3], steps=2).shape == (2, 1, 5)
    with pytest.raises(InputError, match="no total variation"):
        flat.maximize("y", [0], tv=1)
    with pytest.raises(InputError, match="take parametrisation 'pixels'"):
        flat.maximize("y", [0], parametrisation="fourier")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": "x"}, "step is a number from 1e-12 upwards, not 'x'"),
        ({"batch": 0}, "batch is a positive integer, not 0"),
        ({"ascent": 3}, "no ascent '3'"),
        ({"transforms": "jitter"}, "transforms are given by name"),
    ],
)
def test_options_that_are_of_no_use(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Inspector(cnn()).maximize("conv", [0], **options)

"""Spectra, colours and steps: adjoints, finite differences, definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from inspector.errors import InputError
from inspector.features.ascent import Adam, Normalised
from inspector.features.canvas import Canvas
from inspector.features.colour import MATRIX, coordinates, correlated, uncorrelated
from inspector.features.parametrisations import (
    Fourier,
    frequencies,
    inverse_adjoint,
    inverse_transform,
    spectrum_of,
)

SIDES = [(8,), (9,), (6, 8), (7, 5), (4, 6, 5)]


def canvas(shape: tuple[int, ...] = (3, 12, 10), layout: str = "NCHW", dtype: str = "float64") -> Canvas:
    mean, std = np.array([0.5, 0.4, 0.3]).reshape(3, 1, 1), np.array([0.2, 0.3, 0.4]).reshape(3, 1, 1)
    if shape[0] != 3:
        mean, std = np.asarray(0.1), np.asarray(0.5)
    return Canvas(layout, shape, np.dtype(dtype), 0.0, 1.0, mean, std, "RGB")


@pytest.mark.parametrize("sides", SIDES)
def test_the_adjoint_of_the_inverse_transform(sides: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=(2, 3, *sides))
    x = rng.normal(size=(*y.shape[:-1], sides[-1] // 2 + 1, 2))
    there = (inverse_transform(x, sides) * y).sum()
    back = (x * inverse_adjoint(y, len(sides))).sum()
    assert abs(there - back) < 1e-12 * np.abs(x).sum()
    np.testing.assert_allclose(inverse_transform(spectrum_of(y, len(sides)), sides), y, atol=1e-12)


def test_frequencies_are_those_of_waves() -> None:
    found = frequencies((8, 6))
    assert found.shape == (8, 4)
    assert found[0, 0] == 0
    # a wave of three cycles down and two across, found where its coefficient is
    rows, columns = np.indices((8, 6))
    wave = np.cos(2 * np.pi * (3 * rows / 8 + 2 * columns / 6))
    size = np.linalg.norm(spectrum_of(wave[None], 2)[0], axis=-1)
    place = np.unravel_index(size.argmax(), size.shape)
    assert found[place] == pytest.approx(math.hypot(3 / 8, 2 / 6))


def test_colours_are_correlated_as_those_of_photographs() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 4, 3, 5, 6))
    for channels in ("RGB", "BGR", None):
        assert abs((correlated(x, channels) * y).sum() - (x * uncorrelated(y, channels)).sum()) < 1e-12 * 360
        np.testing.assert_allclose(coordinates(correlated(x, channels), channels), x, atol=1e-12)
    np.testing.assert_array_equal(correlated(x, "BGR"), correlated(x, "RGB")[:, ::-1])
    # the first principal colour is light itself: all three rise, and it is by far the longest
    assert (MATRIX[:, 0] > 0).all()
    lengths = np.linalg.norm(MATRIX, axis=0)
    assert abs(lengths[0] - 1) < 1e-12
    assert (lengths[1:] < 0.3).all()


@pytest.mark.parametrize("decorrelate", [True, False])
@pytest.mark.parametrize(("shape", "layout"), [((3, 12, 10), "NCHW"), ((1, 7, 9), "NCHW"), ((2, 16), "NCL")])
def test_the_gradient_through_the_spectrum(shape: tuple[int, ...], layout: str, decorrelate: bool) -> None:
    """The images are float32 on the way, so differences are taken over a step that its rounding does not drown."""
    rng = np.random.default_rng(0)
    area = canvas(shape, layout)
    held = Fourier(area, None, [0, 1], decorrelate)
    weights = rng.normal(size=held.images.shape)
    # the gradient at the images in units of the range's width
    gradient = held.pull_back(weights * area.span)
    for direction in rng.normal(size=(3, *held.spectrum.shape)).astype(np.float32):
        ends = []
        for sign in (1, -1):
            moved = Fourier(area, None, [0, 1], decorrelate)
            moved.move(sign * 2e-3, direction)
            ends.append((moved.images * weights).sum())
        expected = (ends[0] - ends[1]) / 4e-3
        scale = np.linalg.norm(gradient) * np.linalg.norm(direction) / math.sqrt(gradient.size)
        assert abs((gradient * direction).sum() - expected) < 2e-3 * max(abs(expected), scale)


def test_images_stay_within_the_range() -> None:
    area = canvas()
    held = Fourier(area, None, [0])
    held.move(100.0, np.random.default_rng(0).normal(size=held.spectrum.shape).astype(np.float32))
    amounts = area.amounts(held.images)
    assert amounts.min() >= -1e-6
    assert amounts.max() <= 1 + 1e-6
    assert np.ptp(amounts) > 0.9


def test_a_blank_spectrum_is_nearly_grey_whatever_the_size() -> None:
    for side in (16, 64, 160):
        amounts = canvas((3, side, side)).amounts(Fourier(canvas((3, side, side)), None, [0]).images)
        assert abs(amounts.mean() - 0.5) < 0.05
        assert 0.0005 < amounts.std() < 0.05


def test_a_spectrum_that_starts_from_an_image() -> None:
    area = canvas()
    amounts = np.random.default_rng(0).uniform(0.05, 0.95, (2, 3, 12, 10))
    starts = area.values(amounts)
    np.testing.assert_allclose(Fourier(area, starts, [0, 1]).images, starts, atol=1e-4)


def test_without_places_there_is_no_spectrum() -> None:
    flat = Canvas(None, (5,), np.dtype("float32"), 0.0, 1.0, np.asarray(0.0), np.asarray(1.0), None)
    with pytest.raises(InputError, match="no spatial axes: take parametrisation 'pixels'"):
        Fourier(flat, None, [0])


def test_adam_is_that_of_the_paper() -> None:
    """Algorithm 1 as it is printed, with the gradient of -f in place of f's."""
    rng = np.random.default_rng(0)
    theta, m, v = (np.zeros((2, 5)) for _ in range(3))
    ours, adam = np.zeros((2, 5)), Adam()
    for t, gradient in enumerate(rng.normal(size=(6, 2, 5)), start=1):
        g = -gradient
        m = 0.9 * m + (1 - 0.9) * g
        v = 0.999 * v + (1 - 0.999) * g**2
        theta = theta - 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        ours += 0.1 * adam.direction(gradient)
        np.testing.assert_allclose(ours, theta, rtol=1e-12)


def test_a_normalised_step_has_a_root_mean_square_of_one() -> None:
    gradient = np.random.default_rng(0).normal(size=(3, 4, 5)) * np.array([1e-20, 1, 1e20]).reshape(3, 1, 1)
    gradient = np.concatenate([gradient, np.zeros((1, 4, 5))])
    made = Normalised().direction(gradient)
    np.testing.assert_allclose(np.sqrt((made**2).mean(axis=(1, 2))), [1, 1, 1, 0])

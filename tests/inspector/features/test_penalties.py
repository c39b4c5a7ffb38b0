"""What is held against images, and the likeness of several: values by definition, gradients by finite differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from inspector.features.diversity import similarity
from inspector.features.penalties import distance, roughness

STEP = 1e-5


def slope(function: Callable[[np.ndarray], float], x: np.ndarray, direction: np.ndarray) -> float:
    """The central difference along `direction`, whose error is the third derivative times STEP² / 6."""
    return (function(x + STEP * direction) - function(x - STEP * direction)) / (2 * STEP)


@pytest.mark.parametrize("sides", [(11,), (6, 7), (3, 4, 5)])
@pytest.mark.parametrize("penalty", [roughness, distance])
def test_gradients_of_penalties(penalty: Callable, sides: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(2, 3, *sides))
    gradient = penalty(x)[1]
    for direction in rng.normal(size=(5, *x.shape)):
        expected = slope(lambda moved: penalty(moved)[0].sum(), x, direction)
        assert abs((gradient * direction).sum() - expected) < 1e-6 * max(1, abs(expected))


def test_penalties_by_their_definition() -> None:
    x = np.random.default_rng(0).uniform(size=(2, 3, 4, 5))
    away = [0.5 * sum((value - 0.5) ** 2 for value in image.ravel()) for image in x]
    np.testing.assert_allclose(distance(x)[0], away)
    total = np.zeros(2)
    for number, channel, row, column in np.ndindex(x.shape):
        here = x[number, channel, row, column]
        down = x[number, channel, min(row + 1, 3), column] - here
        right = x[number, channel, row, min(column + 1, 4)] - here
        total[number] += np.hypot(down, right)
    # the softened root is larger by less than 0.001 and its excess is taken off
    assert (np.abs(roughness(x)[0] - total) < 1e-3 * 60).all()
    flat, gradient = roughness(np.full((1, 3, 4, 4), 0.3))
    assert flat == 0
    assert not gradient.any()


def test_the_gradient_of_the_likeness() -> None:
    rng = np.random.default_rng(0)
    for count in (2, 3, 5):
        x = rng.normal(size=(count, 4, 6))
        gradient = similarity(x)[1]
        for direction in rng.normal(size=(5, *x.shape)):
            expected = slope(lambda moved: similarity(moved)[0], x, direction)
            assert abs((gradient * direction).sum() - expected) < 1e-8


def test_the_likeness_by_its_definition() -> None:
    x = np.random.default_rng(1).normal(size=(3, 4, 6))
    grams = [np.einsum("ip,jp->ij", one, one).ravel() for one in x]
    cosines = [
        a @ b / np.sqrt((a @ a) * (b @ b)) for i, a in enumerate(grams) for j, b in enumerate(grams) if i != j
    ]
    assert abs(similarity(x)[0] - np.mean(cosines)) < 1e-12
    # moved about, images stay alike; a layer that does not answer has no gradient
    assert abs(similarity(np.stack([x[0], x[0][:, ::-1]]))[0] - 1) < 1e-12
    likeness, gradient = similarity(np.zeros((2, 4, 6)))
    assert likeness == 0
    assert not gradient.any()

"""Movements of images: what they do, and <A x, y> = <x, Aᵀ y>."""

from __future__ import annotations

import numpy as np
import pytest

from inspector.errors import InputError
from inspector.features.resampling import Resampling
from inspector.features.transforms import draw, find_transforms, robust

SIDES = [(9,), (7, 10), (8, 8), (4, 5, 6), (1, 6)]


def turned(degrees: float, size: float, places: int) -> np.ndarray:
    matrix = np.eye(places) / size
    if places > 1:
        angle = np.radians(degrees)
        cosine, sine = np.cos(angle), np.sin(angle)
        matrix[-2:, -2:] = np.array([[cosine, -sine], [sine, cosine]]) / size
    return matrix


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("size", [0.8, 1.0, 1.25])
@pytest.mark.parametrize("shift", [0.0, 3.0, -1.3])
def test_the_adjoint_is_the_adjoint(sides: tuple[int, ...], size: float, shift: float) -> None:
    rng = np.random.default_rng(0)
    moved = Resampling(sides, turned(17, size, len(sides)), [shift] * len(sides))
    x, y = rng.normal(size=(2, 3, 2, *sides))
    there, back = (moved.forward(x) * y).sum(), (x * moved.adjoint(y)).sum()
    # float64 sums of products, whose float32 weights are the same ones on both sides
    assert abs(there - back) < 1e-12 * np.abs(x).sum() * np.abs(y).max()


@pytest.mark.parametrize("sides", SIDES)
def test_what_is_constant_stays_and_what_is_not_moved_too(sides: tuple[int, ...]) -> None:
    moved = Resampling(sides, turned(33, 0.7, len(sides)), [1.4] * len(sides))
    np.testing.assert_allclose(moved.forward(np.full((1, 1, *sides), 5.0)), 5, rtol=1e-6)
    x = np.random.default_rng(0).normal(size=(2, 3, *sides))
    still = Resampling(sides, np.eye(len(sides)), [0] * len(sides))
    np.testing.assert_array_equal(still.forward(x), x)
    np.testing.assert_array_equal(still.adjoint(x), x)


def test_a_whole_shift_is_a_mirrored_roll() -> None:
    x = np.random.default_rng(0).normal(size=(1, 2, 6, 7))
    moved = Resampling((6, 7), np.eye(2), [2, -3]).forward(x)
    expected = np.pad(x, [(0, 0), (0, 0), (0, 2), (3, 0)], mode="symmetric")[:, :, 2:, :7]
    np.testing.assert_array_equal(moved, expected)


def test_a_quarter_turn_and_a_linear_ramp() -> None:
    x = np.random.default_rng(0).normal(size=(1, 1, 5, 5))
    quarter = Resampling((5, 5), turned(90, 1, 2), [0, 0]).forward(x)
    np.testing.assert_allclose(quarter, np.rot90(x, -1, axes=(2, 3)), atol=1e-6)
    # linear interpolation knows linear functions: at the inside the ramp is looked up where the map says
    rows, columns = np.indices((21, 21)) - 10.0
    moved = Resampling((21, 21), turned(10, 1.1, 2), [1, 2]).forward((3 * rows - columns)[None, None])[0, 0]
    angle = np.radians(10)
    row = (np.cos(angle) * rows - np.sin(angle) * columns) / 1.1 + 1
    column = (np.sin(angle) * rows + np.cos(angle) * columns) / 1.1 + 2
    inside = (abs(row) < 10) & (abs(column) < 10)
    np.testing.assert_allclose(moved[inside], (3 * row - column)[inside], atol=1e-5)


def test_draws_stay_within_their_reach() -> None:
    transforms = find_transforms({"jitter": 3, "scale": 0.2, "rotate": 30}, (32, 32))
    x = np.indices((32, 32))[:, None].astype(np.float64)
    rng = np.random.default_rng(0)
    seen = []
    for _ in range(200):
        moved = draw(transforms, (32, 32), rng)
        assert moved is not None
        rows, columns = moved.forward(x)[:, 0]
        # by the four pixels around the centre
        centre = np.array([each[15:17, 15:17].mean() for each in (rows, columns)]) - 15.5
        along = np.array([each[16, 16] - each[16, 15] for each in (rows, columns)])
        seen.append([*centre, 1 / np.hypot(*along), np.degrees(np.arctan2(-along[0], along[1]))])
    found = np.array(seen)
    np.testing.assert_allclose(found[:, :2], np.rint(found[:, :2]), atol=1e-4)
    for column, (low, high) in enumerate([(-3, 3), (-3, 3), (0.8, 1.2), (-30, 30)]):
        middle, reach = (low + high) / 2, (high - low) / 2
        assert found[:, column].min() < middle - 0.8 * reach
        assert found[:, column].max() > middle + 0.8 * reach
        assert low - 1e-3 <= found[:, column].min() <= found[:, column].max() <= high + 1e-3


def test_transforms_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match=r"no transform 'flip'; jitter: .*; scale: .*; rotate"):
        find_transforms({"flip": 1}, (8, 8))
    with pytest.raises(InputError, match=r"scale=1\.5 is out of range"):
        find_transforms({"scale": 1.5}, (8, 8))
    with pytest.raises(InputError, match="cannot be rotated"):
        find_transforms({"rotate": 1}, (8,))
    with pytest.raises(InputError, match="no spatial axes"):
        find_transforms({"jitter": 1}, ())
    assert find_transforms({"rotate": 0}, ()) == {}
    assert robust((224, 160)) == {"jitter": 10, "scale": 0.1, "rotate": 10}
    assert robust((320,))["rotate"] == 0

from __future__ import annotations

import numpy as np
import pytest

from inspector.explain import upsample


def test_a_peak_lands_where_half_pixel_interpolation_puts_it() -> None:
    maps = np.zeros((1, 7, 7), np.float32)
    maps[0, 2, 5] = 1
    large = upsample(maps, (224, 224))
    # the centre of cell i of 7 lies at (i + 1/2) * 32 of 224, between two pixels
    peak = np.argwhere(large[0] == large[0].max())
    assert {tuple(place) for place in peak} == {(79, 175), (79, 176), (80, 175), (80, 176)}
    rows = large[0].sum(axis=1)
    assert (rows * (np.arange(224) + 0.5)).sum() / rows.sum() == pytest.approx(2.5 * 32, abs=1e-3)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ((7, 7), (224, 224)),
        ((5, 3), (13, 9)),
        ((1, 1), (6, 4)),
        ((8, 8), (8, 5)),
        ((9,), (31,)),
        ((3, 4, 5), (7, 8, 9)),
    ],
)
def test_it_is_what_pytorch_computes(given: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch")
    maps = np.random.default_rng(0).normal(size=(2, *given)).astype(np.float32)
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(given)]
    expected = torch.nn.functional.interpolate(torch.tensor(maps)[:, None], size=wanted, mode=mode)[
        :, 0
    ].numpy()
    np.testing.assert_allclose(upsample(maps, wanted), expected, atol=1e-6)


def test_a_map_of_the_wanted_size_is_unchanged_and_nothing_goes_negative() -> None:
    maps = np.abs(np.random.default_rng(0).normal(size=(2, 5, 5))).astype(np.float32)
    np.testing.assert_array_equal(upsample(maps, (5, 5)), maps)
    assert (upsample(maps, (37, 41)) >= 0).all()


def test_the_number_of_axes_must_agree() -> None:
    with pytest.raises(ValueError, match="cannot be resized"):
        upsample(np.zeros((1, 7, 7), np.float32), (224,))


def test_what_is_of_that_size_already_is_copied() -> None:
    maps = np.ones((1, 4, 4), np.float32)
    upsample(maps, (4, 4))[:] = 2
    assert (maps == 1).all()

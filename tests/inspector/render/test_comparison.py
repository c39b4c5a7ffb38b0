from __future__ import annotations

import numpy as np
import pytest

from inspector.errors import InputError
from inspector.render import (
    Compared,
    brightened,
    comparison_sheet,
    heatmap_figure,
    overlay_pixels,
    plain_values,
)
from tests.inspector.render.test_figures import inside, texts

RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (12, 16, 3), dtype=np.uint8)


def compared(count: int) -> list[Compared]:
    return [Compared(f"method {number}", RNG.random((12, 16)), below="0.1 s") for number in range(count)]


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_the_picture_and_a_tile_per_method(count: int) -> None:
    figure = comparison_sheet(
        PHOTO, compared(count), "cat", subtitle="score 3", foot=["lime: no " + "why " * 60]
    )
    said = [text.get_text() for text in figure.axes[0].texts]
    assert {"image", "cat", *(f"method {number}" for number in range(count))} <= set(said)
    assert said.count("0.1 s") == count
    assert any(text.startswith("lime: no") for text in said)
    assert len(figure.axes[0].images) == count + 1
    assert inside(figure)


def test_each_tile_is_the_overlay_of_signed_maps_on_light_grey() -> None:
    signed = Compared("lrp", RNG.uniform(-1, 1, (12, 16)), signed=True)
    (amount,) = compared(1)
    figure = comparison_sheet(PHOTO, [amount, signed], "cat")
    tiles = [np.asarray(image.get_array()) for image in figure.axes[0].images]
    np.testing.assert_array_equal(tiles[0], PHOTO)
    np.testing.assert_array_equal(tiles[1], overlay_pixels(PHOTO, amount.heatmap))
    # black becomes the middle grey, white stays
    light = np.rint((255 + PHOTO @ [0.299, 0.587, 0.114]) / 2).astype(np.uint8)[..., None].repeat(3, axis=2)
    np.testing.assert_allclose(
        tiles[2], overlay_pixels(light, signed.heatmap, signed=True).astype(int), atol=1
    )
    assert "lrp ±" in texts(figure)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.0, 0.0, "zero everywhere"),
        (-1.0, -0.5, "nowhere positive"),
        (-1.0, -1.0, "the same everywhere"),
        (1.0, 1.0, "the same everywhere"),
    ],
)
def test_an_empty_map_is_said_in_its_place(low: float, high: float, said: str) -> None:
    heatmap = np.linspace(low, high, 192).reshape(12, 16)
    # where the model did not see the picture
    heatmap[:, 0] = np.nan
    empty = Compared("lrp", heatmap, signed=True, below="0.2 s")
    words = [text.get_text() for text in comparison_sheet(PHOTO, [empty], "cat").axes[0].texts]
    assert said in words
    assert "0.2 s" not in words


def test_signals_and_arrays_without_a_photograph() -> None:
    signals = [Compared("saliency", RNG.random(50)), Compared("lrp", RNG.uniform(-1, 1, 50), signed=True)]
    assert inside(comparison_sheet(None, signals, "signal"))
    assert inside(comparison_sheet(None, compared(3), "array", colours="jet"))
    with pytest.raises(InputError, match="no heatmap"):
        comparison_sheet(PHOTO, [], "cat")


def test_large_photographs_are_reduced() -> None:
    large = np.zeros((1500, 2000, 3), np.uint8)
    figure = comparison_sheet(large, [Compared("one", np.ones((1500, 2000)))], "cat")
    assert all(max(np.asarray(image.get_array()).shape) <= 420 for image in figure.axes[0].images)


def test_maps_of_single_pixels_are_brightened_to_their_99th_percentile() -> None:
    heatmap = RNG.uniform(-0.1, 0.1, (64, 64)).astype(np.float32)
    heatmap[3, 4] = 1
    drawn, peak = brightened(heatmap)
    assert peak == pytest.approx(np.percentile(np.abs(heatmap), 99))
    np.testing.assert_allclose(drawn, np.clip(heatmap / peak, -1, 1), rtol=1e-6)
    figure = heatmap_figure(None, heatmap, "cat", signed=True)
    assert any("99th percentile" in axes.get_ylabel() for axes in figure.axes)


@pytest.mark.parametrize(
    "heatmap", [RNG.random((64, 64)), np.zeros((64, 64)), np.eye(64), RNG.random((4, 4)) ** 9]
)
def test_maps_without_a_tail_are_drawn_as_they_are(heatmap: np.ndarray) -> None:
    drawn, peak = brightened(heatmap)
    assert peak == 1
    np.testing.assert_allclose(drawn, heatmap, rtol=1e-6)


def test_places_that_were_not_seen_stay_so() -> None:
    heatmap = np.full((64, 64), 0.01)
    heatmap[0, 0], heatmap[1] = 1, np.nan
    drawn, peak = brightened(heatmap)
    assert peak == pytest.approx(0.01)
    assert np.isnan(drawn[1]).all()
    assert drawn[0, 0] == 1


def test_values_as_json_has_them() -> None:
    value = {1: (np.float32(0.5), float("nan")), "a": np.array([1, 2]), "b": {"c": float("inf")}}
    assert plain_values(value) == {"1": [0.5, None], "a": [1, 2], "b": {"c": None}}

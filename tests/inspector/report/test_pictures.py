"""The small pictures of the page, read back from their data addresses."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inspector.report.charts import Curve, learning_curves, line_chart
from inspector.report.tiles import LEVELS, Figure, channel_grid, heat_picture, photograph, picture_grid

Array = np.ndarray[Any, np.dtype[Any]]


def read(figure: Figure) -> Image.Image:
    kind, data = figure.uri.removeprefix("data:").split(";base64,")
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    assert Image.MIME[str(picture.format)] == kind
    assert picture.size == (figure.width, figure.height)
    return picture


def tile(figure: Figure, row: int, column: int, side: int) -> Array:
    """A tile's pixels: under a number of 11 pixels, 3 pixels apart."""
    top, left = row * (side + 14) + 11, column * (side + 3)
    return np.asarray(read(figure))[top : top + side, left : left + side]


def test_each_channel_has_its_own_scale_or_all_have_one() -> None:
    maps = np.stack([np.linspace(0, 1, 16).reshape(4, 4), np.linspace(0, 10, 16).reshape(4, 4)])
    own, shared = channel_grid(maps, "x", "channel"), channel_grid(maps, "x", "shared")
    assert tile(own, 0, 0, 64).max() == tile(own, 0, 1, 64).max() == LEVELS - 1
    assert tile(shared, 0, 0, 64).max() == round((LEVELS - 1) / 10)
    assert tile(shared, 0, 1, 64).max() == LEVELS - 1
    # 4 pixels become 64: each is a square of 16
    assert np.array_equal(tile(own, 0, 1, 64)[8::16, 8::16], np.rint(maps[1] / 10 * (LEVELS - 1)))


@pytest.mark.parametrize("value", [0.0, 3.0, -7.0])
def test_a_constant_channel_is_darkest(value: float) -> None:
    maps = np.full((1, 4, 4), value) + 1e-9
    assert (tile(channel_grid(maps, "x", "channel"), 0, 0, 64) == 0).all()


def test_the_grid_wraps_after_eight_and_between_tiles_is_nothing() -> None:
    figure = channel_grid(np.random.default_rng(0).random((9, 4, 4)), "nine", "channel")
    assert (figure.width, figure.height) == (8 * 67 - 3, 2 * 78 - 3)
    assert figure.alt == "nine"
    alpha = np.asarray(read(figure).convert("RGBA"))[..., 3]
    assert (alpha[11:75, 64:67] == 0).all()


def test_large_maps_are_reduced_in_proportion() -> None:
    figure = channel_grid(np.random.default_rng(0).random((1, 400, 200)), "x", "shared")
    assert (figure.width, figure.height) == (48, 96 + 11)


def test_pictures_keep_their_colours() -> None:
    red = np.zeros((1, 3, 4, 4))
    red[:, 0, :2] = 5
    pixels = tile(picture_grid(red, "x"), 0, 0, 64)
    assert pixels[0, 0].tolist() == [255, 0, 0, 255]
    assert pixels[-1, 0].tolist() == [0, 0, 0, 255]


def test_kernels_are_centred_on_grey() -> None:
    kernel = np.array([[[[-1.0, 0.0], [0.0, 0.5]]]])
    pixels = tile(picture_grid(kernel, "x", centred=True), 0, 0, 64)[16::32, 16::32, 0]
    assert pixels.tolist() == [[0, 128], [128, 191]]


def test_heat_is_viridis_and_photographs_stay_as_they_are() -> None:
    heat = read(heat_picture(np.array([[0.0, 1.0]]), "x")).convert("RGB")
    assert heat.getpixel((0, 0)) == (68, 1, 84)
    assert heat.getpixel((1, 0)) == (253, 231, 37)
    rgb = np.random.default_rng(0).integers(0, 255, (28, 28, 3), np.uint8)
    assert np.array_equal(np.asarray(read(photograph(rgb, "x")).convert("RGB")), rgb)
    assert photograph(np.zeros((1000, 500, 3), np.uint8), "x", longest=100).height == 100


def test_a_chart_has_a_point_per_epoch_and_says_it_in_words() -> None:
    chart = line_chart("Accuracy", [Curve("training", (0.5, 0.75, 1.0), "train")])
    points = re.findall(r'<polyline[^>]*points="([^"]*)"', chart)[0].split()
    heights = [float(point.split(",")[1]) for point in points]
    assert len(points) == 3
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2], abs=0.2)
    assert "Accuracy over 3 epochs: training from 0.5 to 1" in chart


def test_a_chart_leaves_out_what_cannot_be_drawn() -> None:
    chart = line_chart("Loss", [Curve("t", (float("nan"), 0.0, 1.0, 10.0), "train")], logarithmic=True)
    assert chart.count("<circle") == 2
    assert line_chart("Loss", [Curve("t", (float("nan"),), "train")]) == ""
    assert learning_curves([]) == ""


def test_one_epoch_is_drawn_too() -> None:
    history = [{"loss": 1.0, "val_loss": 1.0, "accuracy": 0.5, "val_accuracy": 0.5}]
    assert learning_curves(history).count("<svg") == 2


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ((0.48, 0.996), ["0.4", "0.6", "0.8", "1"]),
        ((0.0, 1.0), ["0", "0.5", "1"]),
        ((0.97, 0.99), ["0.97", "0.975", "0.98", "0.985", "0.99"]),
        ((0.5, 0.5), ["0", "0.5", "1"]),
    ],
)
def test_axes_carry_round_numbers(values: tuple[float, ...], labels: list[str]) -> None:
    chart = line_chart("x", [Curve("t", values, "train")])
    assert re.findall(r'text-anchor="end">([^<]*)<', chart) == labels


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ((0.0078, 1.21), ["0.001", "0.01", "0.1", "1", "10"]),
        ((0.3, 0.9), ["0.2", "0.5", "1"]),
        ((1.0, 1.0), ["1", "2"]),
    ],
)
def test_logarithmic_axes_carry_round_numbers(values: tuple[float, ...], labels: list[str]) -> None:
    chart = line_chart("x", [Curve("t", values, "train")], logarithmic=True)
    assert re.findall(r'text-anchor="end">([^<]*)<', chart) == labels

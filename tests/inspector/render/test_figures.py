from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from inspector.errors import InputError
from inspector.render import (
    RENDERERS,
    activation_figure,
    activation_grid,
    heatmap_figure,
    image_grid,
    kernel_grid,
)
from inspector.render.grids import MOST_CHANNELS, stretched

RNG = np.random.default_rng(0)


def texts(figure: Figure) -> list[str]:
    found = [text.get_text() for axes in figure.axes for text in axes.texts] + [
        t.get_text() for t in figure.texts
    ]
    found += [axes.get_title() for axes in figure.axes]
    return [text for text in found if text]


def pictures(figure: Figure) -> list[np.ndarray[Any, Any]]:
    return [np.asarray(image.get_array()) for image in figure.axes[0].images]


def inside(figure: Figure) -> bool:
    """Whether every text lies within the sheet."""
    figure.draw_without_rendering()
    width, height = figure.bbox.width, figure.bbox.height
    boxes = [t.get_window_extent() for axes in figure.axes for t in axes.texts if t.get_text()]
    boxes += [t.get_window_extent() for t in figure.texts]
    boxes += [
        label.get_window_extent() for axes in figure.axes if axes.axison for label in axes.get_yticklabels()
    ]
    return all(b.x0 >= -1 and b.y0 >= -1 and b.x1 <= width + 1 and b.y1 <= height + 1 for b in boxes)


def test_every_channel_has_its_number_and_its_own_scale() -> None:
    array = RNG.normal(size=(32, 22, 22))
    array[3] = 0
    figure = activation_grid(array, "layer 2 relu")
    assert [str(i) for i in range(32)] == [t for t in texts(figure) if t.isdecimal()]
    assert "all 0" in texts(figure)
    assert sum("…" in text for text in texts(figure)) == 31
    assert any("32 channels of 22 × 22 · each channel on its own scale" in text for text in texts(figure))
    tiles = pictures(figure)
    assert len(tiles) == 32
    # viridis runs from (68, 1, 84) to (253, 231, 37), which each channel's own extremes take
    low, high = np.unravel_index(array[0].argmin(), (22, 22)), np.unravel_index(array[0].argmax(), (22, 22))
    np.testing.assert_allclose(tiles[0][low][:3], [68, 1, 84], atol=1)
    np.testing.assert_allclose(tiles[0][high][:3], [253, 231, 36], atol=1)
    assert inside(figure)


def test_a_shared_scale_has_one_bar_with_numbers() -> None:
    array = np.stack([np.full((4, 4), value, float) for value in (0.0, 5.0, 10.0)])
    figure = activation_grid(array, "t", "shared")
    tiles = pictures(figure)
    np.testing.assert_allclose([t[0, 0, 1] for t in tiles], [1, 145, 231], atol=2)
    assert figure.axes[1].get_ylim() == (0.0, 10.0)
    assert inside(figure)


def test_deep_layers_are_bounded_and_say_so() -> None:
    figure = activation_grid(np.ones((300, 2, 2)), "t")
    assert len(pictures(figure)) == MOST_CHANNELS
    assert any("the first 256 of 300 channels" in text for text in texts(figure))


def test_an_all_zero_layer_is_said() -> None:
    assert any("every value is 0" in text for text in texts(activation_grid(np.zeros((4, 3, 3)), "t")))


@pytest.mark.parametrize("shape", [(5,), (1,), (7, 9), (4, 6, 6), (4, 5, 6, 6), (2, 1, 40), ()])
def test_whatever_a_layer_computes_can_be_drawn(shape: tuple[int, ...]) -> None:
    figure = activation_figure(RNG.normal(size=shape), "a title")
    assert any("a title" in text for text in texts(figure))
    assert inside(figure)


def test_nan_and_float16_can_be_drawn() -> None:
    array = RNG.normal(size=(2, 4, 4)).astype(np.float16)
    array[0, 0, 0] = np.nan
    assert inside(activation_grid(array, "t"))


@pytest.mark.parametrize(
    ("inputs", "words"), [(1, "mid-grey is 0"), (3, "as colours"), (16, "mean of 16 input channels")]
)
def test_kernels_of_any_depth(inputs: int, words: str) -> None:
    kernels = RNG.normal(size=(32, inputs, 7, 7))
    figure = kernel_grid(kernels, "conv", channels=range(25))
    assert any(words in text and "25 of 32 kernels" in text for text in texts(figure))
    assert len(pictures(figure)) == 25
    assert inside(figure)


def test_a_kernels_colours_are_its_weights() -> None:
    kernel = np.zeros((1, 3, 2, 2))
    kernel[0, 0, 0, 0], kernel[0, 1, 1, 1] = 2.0, -2.0
    (tile,) = pictures(kernel_grid(kernel, "conv"))
    assert tile[0, 0].tolist() == [255, 128, 128]
    assert tile[1, 1].tolist() == [128, 0, 128]
    assert "±2" in texts(kernel_grid(kernel, "conv"))


@pytest.mark.parametrize("shape", [(4, 2, 9), (4, 3, 2, 3, 3)])
def test_kernels_in_one_and_three_dimensions(shape: tuple[int, ...]) -> None:
    assert len(pictures(kernel_grid(RNG.normal(size=shape), "conv"))) == 4


def test_25_filters_stand_five_by_five() -> None:
    images = [stretched(RNG.normal(size=(3, 28, 28))) for _ in range(25)]
    figure = image_grid(images, [str(i) for i in range(25)], "t", "s")
    lefts = {round(image.get_extent()[0], 3) for image in figure.axes[0].images}
    assert len(lefts) == 5
    assert inside(figure)


def test_long_titles_get_a_wider_sheet() -> None:
    assert inside(
        activation_grid(
            np.ones((4, 3, 3)), "image-01 · layer 12 /a/very/long/name/of/a/tensor/Conv_output_0 (Conv)"
        )
    )


def test_stretching_uses_the_whole_range() -> None:
    pixels = stretched(np.linspace(-3, 9, 3 * 20 * 20).reshape(3, 20, 20))
    assert pixels.min() == 0
    assert pixels.max() == 255
    assert stretched(np.zeros((1, 4, 4))).tolist() == np.full((4, 4, 3), 128).tolist()


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda: activation_grid(np.ones((3, 3)), "t"), "channels, height, width"),
        (lambda: activation_grid(np.ones((3, 3, 3)), "t", "log"), "choose channel or shared"),
        (lambda: kernel_grid(np.ones((3, 3)), "t"), "out, in, height, width"),
        (lambda: image_grid([], [], "t"), "no image to draw"),
        (lambda: heatmap_figure(None, np.ones((2, 2, 2)), "t"), "a height and a width"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        draw()


def test_every_renderer_is_callable() -> None:
    assert all(callable(renderer) for renderer in RENDERERS.values())

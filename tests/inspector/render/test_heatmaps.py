from __future__ import annotations

import numpy as np
import pytest

from inspector.errors import InputError
from inspector.render import heatmap_figure, overlay_pixels
from tests.inspector.render.test_figures import inside, texts

RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (12, 16, 3), dtype=np.uint8)


def test_image_heatmap_and_overlay_stand_side_by_side_with_a_bar() -> None:
    figure = heatmap_figure(PHOTO, RNG.random((12, 16)), "cat", subtitle="at layer 3", method="gradcam")
    assert [axes.get_title() for axes in figure.axes] == ["image", "gradcam", "overlay", ""]
    assert {"cat", "at layer 3"} <= set(texts(figure))
    lefts = [axes.get_position().x0 for axes in figure.axes]
    assert lefts == sorted(lefts)
    assert inside(figure)


def test_the_overlay_is_half_picture_half_viridis() -> None:
    overlay = overlay_pixels(np.full((1, 2, 3), 100, np.uint8), np.array([[0.0, 1.0]]))
    np.testing.assert_allclose(overlay[0, 0], (100 + np.array([68, 1, 84])) / 2, atol=1)
    np.testing.assert_allclose(overlay[0, 1], (100 + np.array([253, 231, 36])) / 2, atol=1)


def test_signed_overlays_leave_zeros_alone_and_differ_by_sign() -> None:
    overlay = overlay_pixels(
        np.full((1, 3, 3), 100, np.uint8), np.array([[-1.0, 0.0, 1.0]]), signed=True
    ).astype(int)
    assert overlay[0, 1].tolist() == [100, 100, 100]
    assert overlay[0, 0, 2] > overlay[0, 0, 0] + 50, "negative is blue"
    assert overlay[0, 2, 0] > overlay[0, 2, 2] + 50, "positive is red"


def test_what_the_model_did_not_see_is_dimmed() -> None:
    overlay = overlay_pixels(np.full((1, 2, 3), 100, np.uint8), np.array([[np.nan, 0.5]]))
    assert overlay[0, 0].tolist() == [35, 35, 35]


def test_sizes_must_agree() -> None:
    with pytest.raises(InputError, match=r"\(3, 3\)"):
        overlay_pixels(PHOTO, np.ones((3, 3)))


@pytest.mark.parametrize("verdict", ["passed", "failed", "inconclusive", "vacuous"])
def test_the_verdict_stands_below(verdict: str) -> None:
    figure = heatmap_figure(PHOTO, RNG.random((12, 16)), "cat", verdict=(verdict, f"{verdict}: 3 directions"))
    (line,) = [text for text in figure.texts if "gradient check" in text.get_text()]
    assert verdict in line.get_text()
    assert (line.get_fontweight() == "bold") == (verdict != "passed")
    assert inside(figure)


def test_an_all_zero_map_is_said() -> None:
    assert any("zero everywhere" in text for text in texts(heatmap_figure(PHOTO, np.zeros((12, 16)), "cat")))
    assert not any("zero everywhere" in text for text in texts(heatmap_figure(PHOTO, np.eye(12, 16), "cat")))


@pytest.mark.parametrize("shape", [(1, 1), (30, 400), (400, 30), (600, 1)])
def test_any_proportions_and_long_words_fit(shape: tuple[int, int]) -> None:
    rgb = np.zeros((*shape, 3), np.uint8)
    words = "a rather long sentence about this picture, " * 5
    figure = heatmap_figure(
        rgb, np.ones(shape), words, subtitle=words, verdict=("failed", words), notes=[words]
    )
    assert inside(figure)


def test_without_a_photograph_the_heatmap_stands_alone() -> None:
    figure = heatmap_figure(None, RNG.random((20, 30)), "array", method="saliency", signed=True)
    assert [axes.get_title() for axes in figure.axes] == ["saliency", ""]
    assert inside(figure)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("length", [1, 12, 300])
def test_a_bar_for_each_position_of_a_signal(length: int, signed: bool) -> None:
    relevance = RNG.uniform(-1 if signed else 0, 1, length)
    names = [str(code) for code in range(1000, 1000 + length)]
    figure = heatmap_figure(None, relevance, "text", method="saliency", signed=signed, names=names)
    (axes,) = figure.axes
    assert axes.get_title() == "saliency"
    assert inside(figure)
    if length <= 12:
        np.testing.assert_allclose([bar.get_height() for bar in axes.patches], relevance, rtol=1e-6)
        assert [label.get_text() for label in axes.get_xticklabels()] == names
    else:
        assert len(axes.patches) == 0


def test_large_photographs_are_reduced_in_the_figure_only() -> None:
    rgb = np.zeros((3000, 2000, 3), np.uint8)
    figure = heatmap_figure(rgb, np.ones((3000, 2000)), "large")
    assert max(np.asarray(figure.axes[0].images[0].get_array()).shape) <= 1400
    assert overlay_pixels(rgb[:100], np.ones((100, 2000))).shape == (100, 2000, 3)

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from inspector.errors import InputError
from inspector.images.fit import FITS, LETTERBOX_GREY, Placement, fit_picture


def ramp(height: int, width: int) -> Image.Image:
    """Red grows to the right, green downwards."""
    rows, columns = np.mgrid[0:height, 0:width]
    red, green = columns * 255 / max(width - 1, 1), rows * 255 / max(height - 1, 1)
    return Image.fromarray(np.stack([red, green, 0 * red], axis=2).astype(np.uint8))


@pytest.mark.parametrize("fit", FITS)
def test_a_picture_that_fits_keeps_its_pixels(fit: str) -> None:
    image = ramp(6, 9)
    fitted, placement = fit_picture(image, (6, 9), fit)
    np.testing.assert_array_equal(np.asarray(fitted), np.asarray(image))
    assert placement.identical
    heat = np.random.default_rng(0).random((6, 9), dtype=np.float32)
    np.testing.assert_array_equal(placement.to_photo(heat), heat)


def test_crop_takes_the_largest_centred_rectangle() -> None:
    fitted, placement = fit_picture(ramp(40, 100), (20, 20), "crop")
    assert (fitted.height, fitted.width) == (20, 20)
    assert placement.box == (30.0, 0.0, 70.0, 40.0)
    # the columns 30 to 70 of 100 are seen
    red = np.asarray(fitted)[10, :, 0] / 255
    assert 0.29 < red[0] < 0.33
    assert 0.67 < red[-1] < 0.71


def test_squash_takes_everything() -> None:
    fitted, placement = fit_picture(ramp(40, 100), (20, 20), "squash")
    assert placement.box == (0.0, 0.0, 100.0, 40.0)
    red = np.asarray(fitted)[10, :, 0]
    assert red[0] < 10
    assert red[-1] > 245


def test_letterbox_keeps_proportions_and_puts_grey_around() -> None:
    fitted, placement = fit_picture(ramp(40, 100), (20, 20), "letterbox")
    pixels = np.asarray(fitted)
    assert (pixels[:6] == LETTERBOX_GREY).all()
    assert (pixels[14:] == LETTERBOX_GREY).all()
    assert not (pixels[6:14] == LETTERBOX_GREY).all(axis=2).any()
    # five photograph pixels to one: six rows of grey above are 30 photograph rows
    assert placement.box == (0.0, -30.0, 100.0, 70.0)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("photo", [(60, 90), (90, 60), (224, 31), (37, 41)])
def test_a_heatmap_peak_returns_to_where_the_photograph_has_it(fit: str, photo: tuple[int, int]) -> None:
    """A bright spot of the photograph, seen by the model, is found again at its own place."""
    height, width = photo
    y, x = height // 2 + 3, width // 2 - 4
    rows, columns = np.mgrid[0:height, 0:width]
    spot = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 18.0)
    image = Image.fromarray(np.repeat((spot * 255).astype(np.uint8)[:, :, None], 3, axis=2))
    fitted, placement = fit_picture(image, (48, 48), fit)
    canvas = np.asarray(fitted)[:, :, 0].astype(np.float32)
    canvas[canvas == LETTERBOX_GREY] = 0
    back = np.nan_to_num(placement.to_photo(canvas), nan=0.0)
    assert back.shape == photo
    found = np.unravel_index(int(back.argmax()), back.shape)
    # within half a canvas pixel
    left, top, right, bottom = placement.box
    assert abs(found[0] - y) <= max(1, (bottom - top) / 48)
    assert abs(found[1] - x) <= max(1, (right - left) / 48)


def test_what_the_model_has_not_seen_is_nan() -> None:
    _, placement = fit_picture(ramp(40, 100), (20, 20), "crop")
    back = placement.to_photo(np.ones((20, 20)))
    assert np.isnan(back[:, :30]).all()
    assert np.isnan(back[:, 70:]).all()
    assert (back[:, 30:70] == 1).all()


def test_resampling_is_half_pixel_bilinear() -> None:
    """Two samples over four pixels, by hand: centres at 0.5, 1.5, 2.5, 3.5 of 4 lie at -0.25, 0.25, 0.75, 1.25 of 2."""
    placement = Placement((1, 4), (1, 2), (0.0, 0.0, 4.0, 1.0))
    np.testing.assert_allclose(placement.to_photo(np.array([[0.0, 1.0]])), [[0.0, 0.25, 0.75, 1.0]])


def test_a_coarser_map_than_the_canvas_is_placed_alike() -> None:
    """A map of a layer's own size covers the canvas, whatever its resolution."""
    _, placement = fit_picture(ramp(28, 28), (28, 28), "crop")
    back = placement.to_photo(np.eye(7))
    assert back.shape == (28, 28)
    # four pixels to a sample, whose centre lies between the second and the third
    assert (back[:2, :2] == 1).all()
    assert back[2, 2] == pytest.approx(0.875**2 + 0.125**2)


def test_an_unknown_fit_is_refused() -> None:
    with pytest.raises(InputError, match="choose crop, squash, letterbox"):
        fit_picture(ramp(4, 4), (2, 2), "stretch")

"""Bringing a picture to the model's size, and bringing a map of the model's size back to the picture.

All three ways are one geometric statement, kept by `Placement`: which rectangle of the photograph (in its own pixels,
possibly reaching outside it) the model's canvas shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inspector.errors import InputError

__all__ = ["FITS", "Placement", "fit_picture"]

FITS = ("crop", "squash", "letterbox")
# the grey that detectors are trained with around a letterboxed picture
LETTERBOX_GREY = 114


@dataclass(frozen=True)
class Placement:
    """Where the model's canvas of `size` (H, W) lies on a photograph of `photo` (H, W) pixels.

    `box` is (left, top, right, bottom) in photograph pixels, in the convention that pixel i covers [i, i + 1]. It lies
    inside the photograph for a crop, equals it when squashed, and reaches outside it when letterboxed.
    """

    photo: tuple[int, int]
    size: tuple[int, int]
    box: tuple[float, float, float, float]

    @property
    def identical(self) -> bool:
        """Whether canvas and photograph are the same pixels."""
        return self.photo == self.size and self.box == (0.0, 0.0, float(self.photo[1]), float(self.photo[0]))

    def to_photo(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """`values` (h, w), which cover the canvas, resampled to the photograph's pixels (H, W).

        Bilinear with pixel centres at half integers, so that a peak lands where it belongs. Photograph pixels that the
        canvas does not show are NaN: the model has not seen them.
        """
        left, top, right, bottom = self.box
        rows, row_inside = _sample_positions(self.photo[0], values.shape[0], top, bottom)
        columns, column_inside = _sample_positions(self.photo[1], values.shape[1], left, right)
        grid = np.asarray(values, dtype=np.float32)
        if not self.identical or grid.shape != self.size:
            grid = _interpolate(_interpolate(grid, rows).T, columns).T
        outside = ~(row_inside[:, None] & column_inside[None, :])
        return np.where(outside, np.float32(np.nan), grid)


def _sample_positions(
    pixels: int, samples: int, start: float, stop: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    """For each of `pixels` pixel centres: its index among `samples` that cover [start, stop], and whether inside."""
    centres = np.arange(pixels) + 0.5
    positions = (centres - start) * (samples / (stop - start)) - 0.5
    return np.clip(positions, 0, samples - 1), (centres >= start) & (centres <= stop)


def _interpolate(values: NDArray[np.float32], positions: NDArray[Any]) -> NDArray[np.float32]:
    """Rows of `values` at fractional row `positions`."""
    lower = np.floor(positions).astype(np.intp)
    upper = np.minimum(lower + 1, values.shape[0] - 1)
    weight = (positions - lower).astype(np.float32)[:, None]
    between: NDArray[Any] = values[lower] * (1 - weight) + values[upper] * weight
    return between


def fit_picture(image: Image.Image, size: tuple[int, int], fit: str) -> tuple[Image.Image, Placement]:
    """`image` brought to `size` (H, W), and where that canvas lies on it.

    crop: the largest centred rectangle of the model's proportions; squash: all of it, out of proportion; letterbox: all
    of it, in proportion, grey around it. Bilinear with antialiasing; a picture that already fits keeps its pixels.
    """
    if fit not in FITS:
        raise InputError(f"no way {fit!r} to fit a picture: choose {', '.join(FITS)}.")
    (height, width), (own_height, own_width) = size, (image.height, image.width)
    whole = (0.0, 0.0, float(own_width), float(own_height))
    if (height, width) == (own_height, own_width):
        return image, Placement(size, size, whole)
    if fit == "letterbox":
        return _letterbox(image, size)
    box = whole
    if fit == "crop":
        scale = max(width / own_width, height / own_height)
        # rounding must not push the rectangle past the edge
        seen_width, seen_height = min(width / scale, own_width), min(height / scale, own_height)
        left, top = (own_width - seen_width) / 2, (own_height - seen_height) / 2
        box = (left, top, left + seen_width, top + seen_height)
    resized = image.resize((width, height), Image.Resampling.BILINEAR, box=box)
    return resized, Placement((own_height, own_width), size, box)


def _letterbox(image: Image.Image, size: tuple[int, int]) -> tuple[Image.Image, Placement]:
    height, width = size
    scale = min(width / image.width, height / image.height)
    inner_width, inner_height = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    left, top = (width - inner_width) // 2, (height - inner_height) // 2
    grey: Any = LETTERBOX_GREY if image.mode == "L" else (LETTERBOX_GREY,) * 3
    canvas = Image.new(image.mode, (width, height), grey)
    canvas.paste(image.resize((inner_width, inner_height), Image.Resampling.BILINEAR), (left, top))
    across, down = image.width / inner_width, image.height / inner_height
    box = (-left * across, -top * down, (width - left) * across, (height - top) * down)
    return canvas, Placement((image.height, image.width), size, box)

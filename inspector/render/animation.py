"""Pictures in motion: frames of tiles, written as one GIF."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError
from inspector.render.save import write_whole

__all__ = ["save_animation", "tiled_pixels"]

# white pixels between tiles; milliseconds that a frame, and the last one, is shown
GAP, EACH, LAST = 2, 80, 1500


def tiled_pixels(images: Sequence[NDArray[np.uint8]], columns: int | None = None) -> NDArray[np.uint8]:
    """8-bit images (H, W, 3) of one size in rows of `columns` (None: as many as there are rows) on white."""
    if not len(images):
        raise InputError("there is no image to draw.")
    columns = min(columns or math.ceil(math.sqrt(len(images))), len(images))
    height, width = (side + GAP for side in images[0].shape[:2])
    sheet = np.full(
        (math.ceil(len(images) / columns) * height - GAP, columns * width - GAP, 3), 255, np.uint8
    )
    for number, image in enumerate(images):
        top, left = number // columns * height, number % columns * width
        sheet[top : top + height - GAP, left : left + width - GAP] = image
    return sheet


def save_animation(frames: Sequence[NDArray[np.uint8]], path: str | os.PathLike[str]) -> Path:
    """Write frames (H, W, 3) of one size as a GIF that repeats, and rests on the last."""
    from PIL import Image

    if not len(frames):
        raise InputError("there is no frame to draw.")
    first, *rest = (Image.fromarray(frame) for frame in frames)
    durations = [*[EACH] * len(rest), LAST]
    return write_whole(
        path,
        lambda file: first.save(
            file, format="GIF", save_all=True, append_images=rest, duration=durations, loop=0
        ),
    )

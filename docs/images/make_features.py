"""Draw the picture of docs/features.md: `python -m docs.images.make_features` (minutes; it fetches the classifier).

Channels of a middle layer above, classes below, each from a spectrum.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inspector import Inspector
from inspector.render import tiled_pixels
from tests.zoo.classifier import classifier

LAYER, CHANNELS = "hardtanh_17", (3, 30, 60, 100, 150, 200, 250, 333, 444)
# the second of them is dead: it has the same value for every picture
SHOWN = (0, 2, 3, 4, 5, 6, 7, 8)
# of ILSVRC 2012, from 0: flamingo, lion, monarch butterfly, strawberry
CLASSES = (130, 291, 323, 949)
SMALL = 110


def pictures(images: NDArray[np.float32]) -> list[Image.Image]:
    """8-bit pictures of what the classifier takes: (x - 127) / 128."""
    pixels = np.clip(np.rint(images * 128 + 127), 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
    return [Image.fromarray(each) for each in pixels]


def drawn(channels: NDArray[np.float32], classes: NDArray[np.float32]) -> Image.Image:
    """A row of small pictures above a row of larger ones of the same width."""
    small = [each.resize((SMALL, SMALL), Image.Resampling.LANCZOS) for each in pictures(channels)]
    large = pictures(classes)
    side = (len(small) * (SMALL + 2) - 2) // len(large) - 1
    rows = [
        tiled_pixels([np.asarray(each) for each in small], len(small)),
        tiled_pixels(
            [np.asarray(each.resize((side, side), Image.Resampling.LANCZOS)) for each in large], len(large)
        ),
    ]
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, 2), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    return Image.fromarray(np.concatenate(padded))


if __name__ == "__main__":
    lens = Inspector(classifier())
    found = lens.maximize(LAYER, CHANNELS, 100, parametrisation="fourier")[list(SHOWN)]
    made = lens.maximize("output", CLASSES, 96, parametrisation="fourier")
    drawn(found, made).save(Path(__file__).with_name("features.jpg"), quality=88, optimize=True)

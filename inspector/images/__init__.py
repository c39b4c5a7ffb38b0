"""Pictures and arrays on their way into a model, and maps on their way back to the photograph.

`load_pictures` is the door: files and folders in, one `Picture` per sample out. A picture's pixels are decoded once
(`decode`), brought to the model's size (`fit`), and turned into numbers (`preprocess`); arrays are taken as they are
(`arrays`). A `Placement` remembers where the model's canvas lies on the photograph, so that a heatmap can be drawn at
the photograph's own resolution.
"""

from __future__ import annotations

from inspector.images.fit import FITS, Placement
from inspector.images.loading import Picture, load_pictures
from inspector.images.preprocess import PRESETS, Preprocessing, picture_input, preprocessing_for
from inspector.images.random_input import random_feeds

__all__ = [
    "FITS",
    "PRESETS",
    "Picture",
    "Placement",
    "Preprocessing",
    "load_pictures",
    "picture_input",
    "preprocessing_for",
    "random_feeds",
]

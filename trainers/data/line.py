"""The Line data set: one straight line per image, 96 classes by length, width, angle and colour.

An image is 28 x 28 x 3 and black but for the line. A pixel is lit if and only if its centre lies in the rectangle of
`length` x `width` pixels, turned by `angle` degrees counter-clockwise as seen by the viewer, about a centre drawn
uniformly from all places where the whole rectangle stays inside the image. The rectangle is half-open, so a
horizontal or vertical line has exactly length x width pixels.

Within a class only the centre varies. Two images of different classes are never equal: no raster that one of the 48
geometries can produce is also produced by another, wherever the centres lie (`tests/trainers/data/test_line.py`
samples all sub-pixel positions). Equal images within a class do occur, and `trainers.data.split` deals with them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainers.data.dataset import Dataset, Images, Labels
from trainers.data.split import distinct, split_grouped, twins
from trainers.errors import TrainerError

__all__ = [
    "ANGLES",
    "CLASSES",
    "COLOURS",
    "HEADS",
    "LENGTHS",
    "SIZE",
    "WIDTHS",
    "class_number",
    "generate",
    "masks",
]

SIZE = 28
LENGTHS = (7, 15)
WIDTHS = (1, 3)
ANGLES = tuple(range(0, 180, 15))
COLOURS = ((255, 0, 0), (0, 0, 255))

HEADS = {
    "length": ("short", "long"),
    "width": ("thin", "thick"),
    "angle": tuple(f"{angle}°" for angle in ANGLES),
    "colour": ("red", "blue"),
}
"""The four attributes of a class and the names of their labels, in the order of the class number's digits."""

RADIX = tuple(len(names) for names in HEADS.values())
CLASSES = int(np.prod(RADIX))

FEWEST_PER_CLASS = 3
"""Fewer cannot be split in two sides with images of every class on both."""


def class_number(length: int, width: int, angle: int, colour: int) -> int:
    """The class number of four label values: ((length * 2 + width) * 12 + angle) * 2 + colour.

    Raises:
        TrainerError: a label value is out of its range.
    """
    values = (length, width, angle, colour)
    for value, (head, names) in zip(values, HEADS.items(), strict=True):
        if not 0 <= value < len(names):
            raise TrainerError(f"{head} must be 0 to {len(names) - 1}, not {value}")
    return int(np.ravel_multi_index(values, RADIX))


def head_table() -> NDArray[np.int64]:
    """The four label values of every class: int64 (96, 4)."""
    return np.stack(np.unravel_index(np.arange(CLASSES), RADIX), axis=1).astype(np.int64)


def class_names() -> tuple[str, ...]:
    """One name per class, such as `short thin 0° red`."""
    return tuple(
        " ".join(names[value] for names, value in zip(HEADS.values(), row, strict=True))
        for row in head_table()
    )


def direction(angle: int) -> tuple[float, float]:
    """Cosine and sine of an angle label; exact where the line follows the pixel grid."""
    if ANGLES[angle] == 90:
        return 0.0, 1.0
    radians = np.deg2rad(ANGLES[angle])
    return float(np.cos(radians)), float(np.sin(radians))


def masks(length: int, width: int, angle: int, places: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The lit pixels of lines of one geometry.

    Args:
        length, width, angle: label values.
        places: (N, 2) in [0, 1): where the centre lies, across and down, in the range that keeps the line inside.

    Returns:
        bool (N, 28, 28), rows downwards.
    """
    cos, sin = direction(angle)
    half_length, half_width = LENGTHS[length] / 2, WIDTHS[width] / 2
    # half the sides of the upright box around the turned rectangle
    reach = np.array([half_length * abs(cos) + half_width * sin, half_length * sin + half_width * abs(cos)])
    # pixel i covers [i - 1/2, i + 1/2): the image spans [-1/2, SIZE - 1/2)
    centre = (reach - 0.5) + places * (SIZE - 2 * reach)
    across = np.arange(SIZE) - centre[:, 0, None]
    up = centre[:, 1, None] - np.arange(SIZE)  # rows grow downwards, the viewer's y axis upwards
    along = (across * cos)[:, None, :] + (up * sin)[:, :, None]
    beside = (up * cos)[:, :, None] - (across * sin)[:, None, :]
    lit: NDArray[np.bool_] = (
        (-half_length <= along) & (along < half_length) & (-half_width <= beside) & (beside < half_width)
    )
    return lit


def paint(lit: NDArray[np.bool_], labels: Labels) -> Images:
    """Masks (N, 28, 28) in their classes' colours on black: uint8 (N, 28, 28, 3)."""
    images = np.zeros((*lit.shape, 3), np.uint8)
    colours = head_table()[labels, 3]
    for colour, rgb in enumerate(COLOURS):
        for channel in np.flatnonzero(rgb):
            images[..., channel] = lit * ((colours == colour) * np.uint8(rgb[channel]))[:, None, None]
    return images


def generate(images_per_class: int = 1000, seed: int = 0) -> Dataset:
    """The Line data set: 96 classes of `images_per_class` images, 60 % to train and 40 % to test in every class.

    The n-th image of a class depends on the seed, the class and n alone: a smaller set is the beginning of a larger
    one. Equal images stay on one side of the split.

    `details` holds `distinct_per_class` (list of 96), `twins_under_naive_split` (test images that would equal a
    training image had each class been cut after its first 60 %) and `twins` (those that do: 0).

    Raises:
        TrainerError: fewer than 3 images per class, or a negative seed.
    """
    if images_per_class < FEWEST_PER_CLASS:
        raise TrainerError(f"a Line class needs at least {FEWEST_PER_CLASS} images, not {images_per_class}")
    if seed < 0:
        raise TrainerError(f"the seed must not be negative, and {seed} is")

    lit = np.empty((CLASSES, images_per_class, SIZE, SIZE), np.bool_)
    in_training = np.empty((CLASSES, images_per_class), np.bool_)
    distinct_per_class: list[int] = []
    naive_twins = 0
    naive_cut = round(0.6 * images_per_class)
    for number, (length, width, angle, _) in enumerate(head_table().tolist()):
        places, order = (np.random.default_rng([seed, number, stream]) for stream in range(2))
        drawn = masks(length, width, angle, places.random((images_per_class, 2)))
        groups = distinct(drawn)
        lit[number] = drawn
        in_training[number] = split_grouped(groups, 0.6, order)
        distinct_per_class.append(int(groups.max()) + 1)
        naive_twins += int(np.isin(groups[naive_cut:], groups[:naive_cut]).sum())

    labels = np.repeat(np.arange(CLASSES, dtype=np.int64), images_per_class)
    ids = np.tile(np.arange(1, images_per_class + 1, dtype=np.int64), CLASSES)
    flat, train = lit.reshape(-1, SIZE, SIZE), in_training.reshape(-1)
    train_images, test_images = paint(flat[train], labels[train]), paint(flat[~train], labels[~train])
    return Dataset(
        name="line",
        train_images=train_images,
        train_labels=labels[train],
        test_images=test_images,
        test_labels=labels[~train],
        class_names=class_names(),
        details={
            "seed": seed,
            "images_per_class": images_per_class,
            "distinct_per_class": distinct_per_class,
            "twins": int(twins(train_images, test_images).sum()),
            "twins_under_naive_split": naive_twins,
            "test_images_under_naive_split": CLASSES * (images_per_class - naive_cut),
        },
        head_names=tuple(HEADS),
        heads=head_table(),
        train_ids=ids[train],
        test_ids=ids[~train],
    )

"""The images of a data set that every report shows, and those that its claims are measured on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainers.data.dataset import Dataset, Images, Labels
from trainers.data.line import class_number
from trainers.errors import TrainerError

__all__ = ["ReportImages", "report_images"]

# The class that heatmaps are drawn for, then classes that resemble it less and less (Line: in ever fewer attributes).
LINE_SHOWN = tuple(
    class_number(*labels)
    for labels in (
        (0, 0, 0, 0),  # short thin 0° red
        (0, 0, 1, 0),  # short thin 15° red
        (0, 0, 0, 1),  # short thin 0° blue
        (1, 0, 0, 0),  # long thin 0° red
        (0, 1, 3, 1),  # short thick 45° blue
        (1, 1, 6, 1),  # long thick 90° blue
    )
)
MNIST_SHOWN = (1, 7, 4, 9, 8, 0)

SHOWN = {"line": LINE_SHOWN, "mnist": MNIST_SHOWN}
PROBES_PER_CLASS = {"line": 1, "mnist": 10}


class ReportImages(NamedTuple):
    """Images of the test side, in the data set's own uint8 (N, H, W, C), with their class numbers."""

    images: Images
    labels: Labels
    probe_images: Images
    probe_labels: Labels


def report_images(dataset: Dataset) -> ReportImages:
    """Six images to show, class 0 (Line) or the digit 1 (MNIST) first; and probes of every class to measure on.

    They depend on the data set alone, so that both frameworks' reports show the same ones. Shown is, of each class
    named above, the test image whose bright pixels lie nearest the centre; probes are each class's first test images,
    one for Line and ten for MNIST.

    Raises:
        TrainerError: an unknown data set, or one whose test side lacks a class.
    """
    if dataset.name not in SHOWN:
        raise TrainerError(f"no images are chosen for the data set {dataset.name!r}")
    shown = np.array([_most_central(dataset, number) for number in SHOWN[dataset.name]])
    probes = np.concatenate(
        [
            _of_class(dataset, number)[: PROBES_PER_CLASS[dataset.name]]
            for number in range(len(dataset.class_names))
        ]
    )
    images, labels = dataset.test_images, dataset.test_labels
    return ReportImages(images[shown], labels[shown], images[probes], labels[probes])


def _of_class(dataset: Dataset, number: int) -> NDArray[np.int64]:
    found = np.flatnonzero(dataset.test_labels == number)
    if not found.size:
        raise TrainerError(
            f"no test image shows {dataset.class_names[number]}; take a larger part of the data set"
        )
    return found


def _most_central(dataset: Dataset, number: int) -> int:
    """The class's test image whose centre of brightness is nearest the image's centre; the first of equals."""
    found = _of_class(dataset, number)
    brightness = dataset.test_images[found].sum(axis=-1, dtype=np.float64)
    height, width = brightness.shape[1:]
    total = brightness.sum(axis=(1, 2))
    down = brightness.sum(axis=2) @ np.arange(height) / total - (height - 1) / 2
    across = brightness.sum(axis=1) @ np.arange(width) / total - (width - 1) / 2
    return int(found[np.argmin(down**2 + across**2)])

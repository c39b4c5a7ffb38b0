from __future__ import annotations

import numpy as np
import pytest

from trainers.data import Dataset, load, report_images
from trainers.data.line import class_number
from trainers.errors import TrainerError


def digits(test_labels: list[int]) -> Dataset:
    random = np.random.default_rng(0)
    labels = np.array(test_labels, np.int64)
    images = random.integers(0, 256, (len(labels), 28, 28, 1), np.uint8)
    return Dataset("mnist", images, labels, images, labels, tuple("0123456789"))


def test_line_shows_class_0_first_and_then_less_and_less_of_it() -> None:
    dataset = load("line", images_per_class=10)
    chosen = report_images(dataset)
    assert chosen.images.shape == (6, 28, 28, 3)
    assert chosen.labels[0] == 0
    table = np.stack(list(dataset.attributes(chosen.labels).values()))
    shared = (table == table[:, :1]).sum(axis=0)
    assert shared.tolist() == sorted(shared, reverse=True)
    assert shared[-1] == 0


def test_line_has_one_probe_per_class() -> None:
    chosen = report_images(load("line", images_per_class=10))
    assert chosen.probe_labels.tolist() == list(range(96))
    assert chosen.probe_images.shape == (96, 28, 28, 3)


def test_all_are_of_the_test_side_with_their_own_labels() -> None:
    dataset = load("line", images_per_class=10)
    chosen = report_images(dataset)
    by_pixels = dict(
        zip((i.tobytes() for i in dataset.test_images), dataset.test_labels.tolist(), strict=True)
    )
    for images, labels in (chosen[:2], chosen[2:]):
        assert [by_pixels[image.tobytes()] for image in images] == labels.tolist()


def test_the_most_central_test_image_is_shown() -> None:
    dataset = load("line", images_per_class=50)
    shown = report_images(dataset).images[3]
    candidates = dataset.test_images[dataset.test_labels == class_number(1, 0, 0, 0)]

    def distance(image: np.ndarray) -> float:
        return float(np.hypot(*(np.argwhere(image.any(axis=-1)).mean(axis=0) - 13.5)))

    assert distance(shown) == pytest.approx(min(distance(image) for image in candidates))


def test_mnist_shows_a_1_a_7_and_a_4_and_probes_ten_of_each() -> None:
    chosen = report_images(digits(list(range(10)) * 12))
    assert chosen.labels.tolist()[:3] == [1, 7, 4]
    assert np.bincount(chosen.probe_labels).tolist() == [10] * 10


def test_a_test_side_without_one_of_the_classes_is_refused() -> None:
    with pytest.raises(TrainerError, match="no test image shows 7"):
        report_images(digits([0, 1, 2, 3, 4, 5, 6, 8, 9]))

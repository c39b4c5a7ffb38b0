"""Targets, the held-out part and the order of an epoch."""

from __future__ import annotations

import numpy as np
import pytest

from trainers.data import load, twins
from trainers.models import get_spec
from trainers.targets import batches, epoch_order, predicted_labels, targets_of, validation_mask


def test_section1_is_asked_for_the_class_and_section2_for_its_four_attributes() -> None:
    data = load("line", images_per_class=3)
    # class number = ((length * 2 + width) * 12 + angle) * 2 + colour: long thick 135° blue, short thin 15° red
    labels = np.array([((1 * 2 + 1) * 12 + 9) * 2 + 1, 2])
    assert targets_of(get_spec("section1-line"), data, labels)["logits"].tolist() == labels.tolist()
    heads = targets_of(get_spec("section2-line"), data, labels)
    assert list(heads) == ["length", "width", "angle", "colour"]
    assert {name: values.tolist() for name, values in heads.items()} == {
        "length": [1, 0], "width": [1, 0], "angle": [9, 1], "colour": [1, 0],
    }  # fmt: skip


def test_a_label_is_the_largest_logit_or_the_sign_of_the_only_one() -> None:
    assert predicted_labels(np.array([[0.1, -1, 3], [2, 1, 0]], np.float32)).tolist() == [2, 0]
    assert predicted_labels(np.array([[0.1], [-0.1], [0.0]], np.float32)).tolist() == [1, 0, 0]


def test_no_held_out_image_has_a_twin_among_those_trained_on() -> None:
    data = load("line", images_per_class=200)
    mask = validation_mask(data.train_images, data.train_labels, 0.05, seed=0)
    assert twins(data.train_images, data.train_images).all()
    assert not twins(data.train_images[~mask], data.train_images[mask]).any()
    per_class = np.bincount(data.train_labels, mask, minlength=96) / np.bincount(
        data.train_labels, minlength=96
    )
    assert per_class.min() > 0
    assert per_class.mean() == pytest.approx(0.05, abs=0.005)


def test_what_is_held_out_depends_on_the_seed_alone() -> None:
    data = load("line", images_per_class=10)
    first, again, other = (
        validation_mask(data.train_images, data.train_labels, 0.2, seed) for seed in (0, 0, 1)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_a_class_of_equal_images_stays_with_the_training() -> None:
    images = np.zeros((6, 2, 2, 1), np.uint8)
    images[3:] = np.arange(3)[:, None, None, None]
    mask = validation_mask(images, np.array([0, 0, 0, 1, 1, 1]), 0.3, seed=0)
    assert not mask[:3].any()
    assert mask[3:].sum() == 1


def test_every_epoch_visits_every_image_once_in_an_order_of_its_own() -> None:
    orders = [epoch_order(50, seed=3, epoch=epoch) for epoch in (1, 2)]
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert (orders[0] != orders[1]).any()
    assert (epoch_order(50, seed=3, epoch=2) == orders[1]).all()


def test_batches_cover_all_rows_and_the_last_may_be_short() -> None:
    assert [list(range(10))[part] for part in batches(10, 4)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]

"""The Line data set, measured back from its pixels."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from trainers.data import Dataset, load, twins
from trainers.data.line import ANGLES, CLASSES, COLOURS, LENGTHS, SIZE, WIDTHS, class_number, masks
from trainers.errors import TrainerError


@pytest.fixture(scope="module")
def small() -> Dataset:
    return load("line", images_per_class=40, seed=3)


@pytest.fixture(scope="module")
def full() -> Dataset:
    return load("line")


def both_sides(dataset: Dataset) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    images = np.concatenate([dataset.train_images, dataset.test_images])
    return images, np.concatenate([dataset.train_labels, dataset.test_labels])


def measured(lit: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Length, width (px) and angle (degrees, counter-clockwise, y up) of the lit pixels.

    A rectangle of L x W has the second moments L²/12 and W²/12 along its sides. Each pixel is a unit square: it adds
    1/12 to the moments of the pixels' centres.
    """
    rows, columns = np.nonzero(lit)
    moments, axes = np.linalg.eigh(np.cov(np.stack([columns, -rows]), bias=True) + np.eye(2) / 12)
    across, along = np.sqrt(12 * moments)
    return along, across, np.degrees(np.arctan2(axes[1, 1], axes[0, 1])) % 180


def test_every_image_measures_as_its_label_says(small: Dataset) -> None:
    images, labels = both_sides(small)
    attributes = small.attributes(labels)
    measures = np.array([measured(image.any(axis=-1)) for image in images])
    length, width, angle = measures.T
    # the nearest label value is the right one for every image, not for most
    np.testing.assert_array_equal(length > np.mean(LENGTHS), attributes["length"])
    np.testing.assert_array_equal(width > np.mean(WIDTHS), attributes["width"])
    np.testing.assert_array_equal(np.round(angle / 15) % 12, attributes["angle"])


def test_class_averages_are_the_nominal_measures(small: Dataset) -> None:
    images, labels = both_sides(small)
    measures = np.array([measured(image.any(axis=-1)) for image in images])
    heads = small.attributes(np.arange(CLASSES))
    for number in range(CLASSES):
        length, width, angle = measures[labels == number].T
        assert length.mean() == pytest.approx(LENGTHS[heads["length"][number]], abs=0.35)
        # a slanted edge is a staircase: it widens a line by less than half a pixel
        assert -0.01 <= width.mean() - WIDTHS[heads["width"][number]] < 0.5
        off = (angle - ANGLES[heads["angle"][number]] + 90) % 180 - 90
        assert abs(off.mean()) < 2


def test_no_pixel_is_lit_outside_the_turned_rectangle(small: Dataset) -> None:
    images, labels = both_sides(small)
    heads = small.attributes(labels)
    for image, length, width, angle in zip(images, *list(heads.values())[:3], strict=True):
        rows, columns = np.nonzero(image.any(axis=-1))
        theta = np.radians(ANGLES[angle])
        along = columns * np.cos(theta) - rows * np.sin(theta)
        across = columns * np.sin(theta) + rows * np.cos(theta)
        assert np.ptp(along) < LENGTHS[length] + 1e-9
        assert np.ptp(across) < WIDTHS[width] + 1e-9


def test_only_black_and_the_class_colour_occur(small: Dataset) -> None:
    images, labels = both_sides(small)
    colours = np.array(COLOURS)[small.attributes(labels)["colour"]]
    lit = images.any(axis=-1)
    np.testing.assert_array_equal(images, np.where(lit[..., None], colours[:, None, None], 0))


@pytest.mark.parametrize("angle", [0, 6])
def test_upright_and_level_lines_have_exactly_their_pixels(small: Dataset, angle: int) -> None:
    images, labels = both_sides(small)
    heads = small.attributes(labels)
    for length, width in itertools.product(range(2), range(2)):
        chosen = (heads["angle"] == angle) & (heads["length"] == length) & (heads["width"] == width)
        lit = images[chosen].any(axis=-1)
        box = (LENGTHS[length], WIDTHS[width]) if angle == 0 else (WIDTHS[width], LENGTHS[length])
        assert set(lit.any(axis=1).sum(axis=1)) == {box[0]}
        assert set(lit.any(axis=2).sum(axis=1)) == {box[1]}
        assert set(lit.sum(axis=(1, 2))) == {box[0] * box[1]}


def test_a_fifteen_degree_line_rises_to_the_right(small: Dataset) -> None:
    image = small.train_images[small.train_labels == class_number(1, 0, 1, 0)][0]
    rows, columns = np.nonzero(image.any(axis=-1))
    assert rows[columns.argmax()] < rows[columns.argmin()]


def test_the_whole_line_stays_inside() -> None:
    corners = np.array(list(itertools.product([0.0, 1 - 1e-12], repeat=2)))
    inner = np.random.default_rng(0).uniform(0.3, 0.7, (1500, 2))
    for geometry in itertools.product(range(2), range(2), range(12)):
        # a line that is cut off at the border would have fewer pixels than any inside
        fewest = masks(*geometry, inner).sum(axis=(1, 2)).min()
        assert (masks(*geometry, corners).sum(axis=(1, 2)) >= fewest).all()


def test_lines_reach_every_border(full: Dataset) -> None:
    for number in range(CLASSES):
        lit = full.train_images[full.train_labels == number].any(axis=(0, -1))
        assert lit[0].any()
        assert lit[-1].any()
        assert lit[:, 0].any()
        assert lit[:, -1].any()


def test_no_two_geometries_share_a_raster_wherever_the_centres_lie() -> None:
    places = np.random.default_rng(1).random((1500, 2))  # over whole pixels: all sub-pixel positions occur
    owner: dict[tuple[int, bytes], tuple[int, ...]] = {}
    for geometry in itertools.product(range(2), range(2), range(12)):
        for lit in masks(*geometry, places):
            rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
            shape = lit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            assert owner.setdefault((shape.shape[1], shape.tobytes()), geometry) == geometry


def test_no_image_of_the_full_set_occurs_in_two_classes(full: Dataset) -> None:
    images, labels = both_sides(full)
    owner: dict[bytes, int] = {}
    for image, label in zip(np.packbits(images.any(axis=-1), axis=(-1)), labels.tolist(), strict=True):
        key = image.tobytes() + bytes([label % 2])
        assert owner.setdefault(key, label) == label


def test_the_full_set_is_split_60_40_in_every_class_without_twins(full: Dataset) -> None:
    assert set(np.bincount(full.train_labels)) == {600}
    assert set(np.bincount(full.test_labels)) == {400}
    assert not twins(full.train_images, full.test_images).any()


def test_distinct_images_and_naive_twins_are_reported(full: Dataset) -> None:
    images, labels = both_sides(full)
    counted = [np.unique(images[labels == number], axis=0).shape[0] for number in (0, 25, 72)]
    assert [full.details["distinct_per_class"][number] for number in (0, 25, 72)] == counted
    # a level short thin line has 22 x 28 places, so a thousand draws must repeat some
    assert full.details["distinct_per_class"][0] <= 22 * 28
    assert full.details["twins"] == 0
    assert (
        0.2 < full.details["twins_under_naive_split"] / full.details["test_images_under_naive_split"] < 0.23
    )


def test_class_number_is_the_formula() -> None:
    numbers = [
        class_number(length, width, angle, colour)
        for length, width, angle, colour in itertools.product(range(2), range(2), range(12), range(2))
    ]
    assert numbers == list(range(96))
    assert class_number(1, 1, 9, 0) == ((1 * 2 + 1) * 12 + 9) * 2 + 0


@pytest.mark.parametrize("labels", [(2, 0, 0, 0), (0, -1, 0, 0), (0, 0, 12, 0), (0, 0, 0, 2)])
def test_labels_out_of_range_are_refused(labels: tuple[int, int, int, int]) -> None:
    with pytest.raises(TrainerError, match="must be 0 to"):
        class_number(*labels)


def test_class_names_follow_the_numbers(small: Dataset) -> None:
    assert small.class_names[0] == "short thin 0° red"
    assert small.class_names[class_number(1, 1, 9, 0)] == "long thick 135° red"
    assert len(set(small.class_names)) == CLASSES


def test_attributes_invert_the_class_number(small: Dataset) -> None:
    heads = small.attributes(np.arange(CLASSES))
    assert list(heads) == ["length", "width", "angle", "colour"]
    assert [class_number(*row) for row in zip(*(h.tolist() for h in heads.values()), strict=True)] == list(
        range(96)
    )


def test_the_same_seed_gives_the_same_set_and_another_seed_another() -> None:
    first, again, other = (load("line", images_per_class=10, seed=seed) for seed in (7, 7, 8))
    for side in ("train_images", "train_labels", "train_ids", "test_images", "test_labels", "test_ids"):
        np.testing.assert_array_equal(getattr(first, side), getattr(again, side))
    assert (first.train_images != other.train_images).any()


def test_a_smaller_set_is_the_beginning_of_a_larger_one() -> None:
    def by_number(dataset: Dataset) -> dict[tuple[int, int], bytes]:
        images, labels = both_sides(dataset)
        assert dataset.train_ids is not None
        assert dataset.test_ids is not None
        ids = np.concatenate([dataset.train_ids, dataset.test_ids])
        return {(int(n), int(i)): image.tobytes() for n, i, image in zip(labels, ids, images, strict=True)}

    small, large = (by_number(load("line", images_per_class=count)) for count in (5, 9))
    assert len(small) == CLASSES * 5
    assert small.items() <= large.items()


def test_shapes_and_types(small: Dataset) -> None:
    assert small.train_images.shape == (CLASSES * 24, SIZE, SIZE, 3)
    assert small.test_images.shape == (CLASSES * 16, SIZE, SIZE, 3)
    assert small.train_images.dtype == np.uint8
    assert small.train_labels.dtype == small.test_labels.dtype == np.int64


@pytest.mark.parametrize("options", [{"images_per_class": 2}, {"seed": -1}])
def test_options_out_of_range_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(TrainerError):
        load("line", **options)


def test_an_unknown_data_set_is_refused_with_the_known_ones() -> None:
    with pytest.raises(TrainerError, match="there are line, mnist"):
        load("cifar")

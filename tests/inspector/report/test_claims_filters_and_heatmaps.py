"""Claims 7 to 13 on arrays whose answer is known, both ways."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from inspector.report import claims
from inspector.report.claims import heatmaps, measures

Array = np.ndarray[Any, np.dtype[Any]]


def noise(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).random(shape)


def smooth(seed: int, *shape: int) -> Array:
    """The same, a running mean along both axes: less detail by construction."""
    array = noise(seed, *shape)
    for axis in (-2, -1):
        array = sum(np.roll(array, step, axis) for step in range(5)) / 5
    return array


def test_25_of_32() -> None:
    assert claims.twenty_five_shown({"a": (25, 32)}).verdict == "holds"
    assert claims.twenty_five_shown({"a": (24, 32)}).verdict == "does not hold"
    assert claims.twenty_five_shown({"a": (25, 64)}).verdict == "does not hold"


def test_more_detail_is_found_only_where_it_is() -> None:
    plain, fine = smooth(0, 25, 3, 28, 28), noise(1, 25, 3, 28, 28)
    kernels = {"a": (noise(2, 25, 3, 7, 7), noise(3, 25, 3, 7, 7))}
    claim = claims.section2_has_more_detail({"a": (plain, fine)}, kernels)
    assert claim.verdict == "holds"
    assert claim.cases["a"].values["superiority"] == 1
    assert claims.section2_has_more_detail({"a": (fine, plain)}).verdict == "does not hold"
    assert claims.section2_has_more_detail({"a": (plain, plain)}).verdict == "does not hold"


def test_detail_does_not_depend_on_contrast() -> None:
    plain, fine = smooth(0, 25, 3, 28, 28), noise(1, 25, 3, 28, 28)
    claim = claims.section2_has_more_detail({"a": (100 * plain, 0.01 * fine)})
    assert claim.verdict == "holds"


def test_mnist_has_one_colour_and_line_has_several() -> None:
    grey, colourful = noise(0, 5, 1, 8, 8), noise(1, 5, 3, 8, 8)
    both = claims.mnist_filters_have_one_colour({"m": ("mnist", grey), "l": ("line", colourful)})
    assert both.verdict == "holds"
    assert both.cases["m"].values == {"chroma": 0, "channels": 1}
    colourless_line = np.repeat(grey, 3, axis=1)
    assert claims.mnist_filters_have_one_colour({"l": ("line", colourless_line)}).verdict == "does not hold"
    assert claims.mnist_filters_have_one_colour({"m": ("mnist", colourful)}).verdict == "does not hold"


def test_targets_must_all_be_the_one_wanted() -> None:
    assert claims.targets_are_the_first_class({"a": (["logits[0]"] * 6, "logits[0]")}).verdict == "holds"
    wrong = ["logits[0]"] * 5 + ["logits[1]"]
    assert claims.targets_are_the_first_class({"a": (wrong, "logits[0]")}).verdict == "does not hold"
    assert claims.targets_are_the_first_class({"a": ([], "logits[0]")}).verdict == "does not hold"


def test_resemblance_by_label_counts_shared_attributes() -> None:
    names = ["short thin 0° red", "long thin 0° red", "long thick 165° blue"]
    assert claims.label_resemblance(names, "short thin 0° red").tolist() == [4, 3, 0]


def test_resemblance_by_picture_is_the_cosine() -> None:
    images = np.array([[1, 0], [1, 0], [0, 1], [1, 1], [0, 0]], np.uint8).reshape(5, 1, 2, 1)
    result = claims.picture_resemblance(images, np.array([1, 1, 2, 3, 4]), 1)
    np.testing.assert_allclose(result, [1, 1, 0, np.sqrt(0.5), 0])
    with pytest.raises(ValueError, match="labelled 9"):
        claims.picture_resemblance(images, np.array([1, 1, 2, 3, 4]), 9)


def test_yellow_follows_resemblance_or_does_not() -> None:
    resemblance = np.arange(40.0)
    heat = np.zeros((40, 8, 8))
    for index in range(40):
        heat[index].flat[: index + 1] = 1
    assert claims.resemblance_shows_yellow({"a": (resemblance, heat)}).verdict == "holds"
    assert claims.resemblance_shows_yellow({"a": (resemblance[::-1], heat)}).verdict == "does not hold"
    assert (
        claims.resemblance_shows_yellow({"a": (resemblance, np.zeros_like(heat))}).verdict == "does not hold"
    )
    shuffled = np.random.default_rng(0).permutation(resemblance)
    assert claims.resemblance_shows_yellow({"a": (shuffled, heat)}).verdict == "does not hold"


def scene(on_object: float, on_edge: float, elsewhere: float) -> dict[str, tuple[Array, Array]]:
    """A 4 x 4 square in a 28 x 28 picture, with heat as given on it, within two pixels of it, and elsewhere."""
    image = np.zeros((1, 28, 28, 3), np.uint8)
    image[:, 10:14, 10:14, 0] = 255
    heat = np.full((1, 28, 28), elsewhere)
    heat[:, 8:16, 8:16] = on_edge
    heat[:, 10:14, 10:14] = on_object
    return {"a": (image, heat)}


@pytest.mark.parametrize(
    ("heat", "empty_verdict", "boundary_verdict"),
    [
        ((1.0, 0.6, 0.05), "holds", "holds"),
        ((1.0, 0.05, 0.05), "holds", "does not hold"),  # nothing but the object
        ((1.0, 0.6, 0.5), "does not hold", "does not hold"),  # everything is warm
        ((0.0, 0.0, 1.0), "does not hold", "does not hold"),  # only the empty regions
        ((0.0, 0.0, 0.0), "does not hold", "does not hold"),  # no heat at all
    ],
)
def test_regions(heat: tuple[float, float, float], empty_verdict: str, boundary_verdict: str) -> None:
    cases = scene(*heat)
    assert claims.empty_regions_are_unaffected(cases).verdict == empty_verdict
    assert claims.boundaries_contribute(cases).verdict == boundary_verdict


def test_region_means_are_exact() -> None:
    cases = scene(0.8, 0.4, 0.1)
    values = claims.boundaries_contribute(cases).cases["a"].values
    assert values == pytest.approx({"object": 0.8, "boundary": 0.4, "empty": 0.1})


def test_object_masks_ignore_faint_pixels() -> None:
    image = np.array([[[[0, 0, 0], [20, 20, 20], [0, 0, 26]]]], np.uint8)
    assert heatmaps.object_masks(image).tolist() == [[[False, False, True]]]


def test_dilation_matches_brute_force_at_the_edges() -> None:
    mask = np.zeros((6, 7), bool)
    mask[0, 0] = mask[5, 3] = True
    rows, columns = np.indices(mask.shape)
    expected = np.zeros_like(mask)
    for row, column in ((0, 0), (5, 3)):
        expected |= np.maximum(np.abs(rows - row), np.abs(columns - column)) <= 2
    assert (measures.dilate(mask, 2) == expected).all()
    assert (measures.band(mask, 2) == (expected & ~mask)).all()


def test_spearman_with_and_without_ties() -> None:
    assert measures.spearman(np.array([1, 2, 3, 4]), np.array([10, 20, 30, 99])) == pytest.approx(1)
    # ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: Pearson's r of the ranks
    expected = np.corrcoef([1, 2.5, 2.5, 4], [1, 2, 3, 4])[0, 1]
    assert measures.spearman(np.array([1, 2, 2, 3]), np.array([1, 2, 3, 4])) == pytest.approx(expected)
    assert measures.spearman(np.ones(4), np.arange(4)) == 0


def test_superiority_counts_pairs() -> None:
    first, second = np.array([3, 1, 2]), np.array([1, 0])
    wins = sum((a > b) + 0.5 * (a == b) for a in first for b in second) / 6
    assert measures.superiority(first, second)[0] == pytest.approx(wins)

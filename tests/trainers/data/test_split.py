from __future__ import annotations

import numpy as np
import pytest

from trainers.data.split import distinct, split_grouped, twins


def test_equal_images_get_equal_numbers() -> None:
    images = np.zeros((5, 2, 2, 1), np.uint8)
    images[1, 0, 0] = images[4, 0, 0] = 1
    images[2, 0, 0] = 2
    assert distinct(images).tolist() == [0, 1, 2, 0, 1]


def test_a_twin_has_every_pixel_equal_colour_included() -> None:
    train = np.zeros((2, 2, 2, 3), np.uint8)
    train[0, 0, 0] = (255, 0, 0)
    test = np.zeros((3, 2, 2, 3), np.uint8)
    test[0, 0, 0] = (255, 0, 0)
    test[1, 0, 0] = (0, 0, 255)
    test[2, 0, 1] = (255, 0, 0)
    assert twins(train, test).tolist() == [True, False, False]


@pytest.mark.parametrize("seed", range(5))
def test_groups_stay_whole_and_the_share_is_met(seed: int) -> None:
    random = np.random.default_rng(seed)
    groups = random.integers(0, 400, 1000)
    groups = np.unique(groups, return_inverse=True)[1]
    chosen = split_grouped(groups, 0.6, random)
    assert chosen.sum() == 600
    assert not set(groups[chosen]) & set(groups[~chosen])


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ([0, 0, 0, 0, 0, 1, 1, 1, 1, 1], 5),  # 6 cannot be had: 5 is as near as groups allow
        ([0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 9),
        ([0, 1], 1),
        ([0, 0, 0], 3),  # one group cannot be on two sides
    ],
)
def test_the_share_is_as_near_as_groups_allow(groups: list[int], expected: int) -> None:
    assert split_grouped(np.array(groups), 0.6, np.random.default_rng(0)).sum() == expected


def test_every_member_is_about_equally_likely_to_be_chosen() -> None:
    groups = np.repeat(np.arange(10), 2)
    share = np.mean([split_grouped(groups, 0.6, np.random.default_rng(seed)) for seed in range(2000)], axis=0)
    # 2000 draws: five standard deviations
    np.testing.assert_allclose(share, 0.6, atol=5 * np.sqrt(0.24 / 2000))

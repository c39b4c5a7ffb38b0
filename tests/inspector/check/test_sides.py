"""Which near ties a gradient fell on the other side of."""

from __future__ import annotations

import numpy as np

from inspector.check.sides import Side, find_sides, sides_taken, with_sides

RANDOM = np.random.default_rng(0)
WEIGHTS = [RANDOM.normal(size=(6, 5)), RANDOM.normal(size=(4, 6)), RANDOM.normal(size=4)]
MASKS = {"first": np.array([1, 0, 1, 1, 0, 1], bool), "second": np.array([1, 1, 0, 1], bool)}
SIDES = [Side("first", 1, True), Side("first", 5, False), Side("second", 0, False), Side("second", 2, True)]


def gradient(masks: dict[str, np.ndarray]) -> np.ndarray:
    """Of w3 . relu(W2 relu(W1 x)) at x, whose units are on or off as `masks` say."""
    first, second, third = WEIGHTS
    return ((third * masks["second"]) @ second * masks["first"]) @ first


def test_the_sides_that_differ_are_listed_and_put_back() -> None:
    taken = with_sides(MASKS, SIDES)
    assert sides_taken(taken, MASKS) == SIDES
    assert sides_taken(MASKS, MASKS) == []
    assert MASKS["first"].tolist() == [1, 0, 1, 1, 0, 1], "the given ones are left as they were"
    assert sides_taken({"first": np.ones(3)}, MASKS) == [], "of another shape: no side is told"


def test_every_choice_of_sides_is_found_from_the_gradient_alone() -> None:
    exact = gradient(MASKS)
    for number in range(1, 2 ** len(SIDES)):
        chosen = [side for place, side in enumerate(SIDES) if number >> place & 1]
        shown = gradient(with_sides(MASKS, chosen))
        # (ties far apart in the graph change the gradient nearly by the sum: here each by its own)
        if len({side.name for side in chosen}) == 1:
            assert find_sides(shown, exact, lambda some: gradient(with_sides(MASKS, some)), SIDES) == chosen


def test_what_no_side_explains_is_not_explained() -> None:
    exact = gradient(MASKS)
    shown = exact + 1e-3 * RANDOM.normal(size=5)
    chosen = find_sides(shown, exact, lambda some: gradient(with_sides(MASKS, some)), SIDES[:2])
    left = np.linalg.norm(shown - gradient(with_sides(MASKS, chosen))) / np.linalg.norm(exact)
    assert left > 1e-5

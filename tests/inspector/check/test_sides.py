"""Which near ties a gradient fell on the other side of."""

from __future__ import annotations

import numpy as np

from inspector.check.sides import Side, find_flips, sides_taken, taken_together, with_sides

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
            found = find_flips(
                shown, exact, lambda some: gradient(with_sides(MASKS, some)), [(side,) for side in SIDES]
            )
            assert found == [(side,) for side in chosen]


def test_what_no_side_explains_is_not_explained() -> None:
    exact = gradient(MASKS)
    shown = exact + 1e-3 * RANDOM.normal(size=5)
    found = find_flips(
        shown, exact, lambda some: gradient(with_sides(MASKS, some)), [(side,) for side in SIDES[:2]]
    )
    chosen = [side for flip in found for side in flip]
    left = np.linalg.norm(shown - gradient(with_sides(MASKS, chosen))) / np.linalg.norm(exact)
    assert left > 1e-5


def test_comparisons_with_the_taps_of_one_window_are_taken_together() -> None:
    shape = (1, 4, 4, 2)
    exact = {name: np.zeros(shape, bool) for name in ("tap 0", "tap 1", "step")}
    sides = [
        Side("tap 0", 5, False),
        Side("tap 0", 9, False),
        Side("step", 5, True),
        Side("tap 1", 5, True),
    ]
    assert taken_together(sides, exact, {"tap 0", "tap 1"}) == [
        (sides[0], sides[3]),
        (sides[1],),
        (sides[2],),
    ]


def test_a_window_whose_first_two_taps_nearly_tie() -> None:
    """What goes to a tap is what the ones before it have left: neither comparison alone moves it to the second."""
    masks = {"tap 0": np.array([1.0, 1.0]), "tap 1": np.array([0.0, 0.0]), "step": np.array([1.0, 0.0])}
    cotangent = np.array([2.0, 3.0])

    def pulled_back(some: dict[str, np.ndarray]) -> np.ndarray:
        left = cotangent * (1 + some["step"])
        first = left * some["tap 0"]
        second = (left - first) * some["tap 1"]
        return np.stack([first, second, left - first - second])

    sides = [Side("tap 0", 0, 0.0), Side("tap 1", 0, 1.0), Side("step", 1, 1.0)]
    shown = pulled_back(with_sides(masks, sides[:2]))
    flips = taken_together(sides, masks, {"tap 0", "tap 1"})
    found = find_flips(shown, pulled_back(masks), lambda some: pulled_back(with_sides(masks, some)), flips)
    assert found == [(sides[0], sides[1])]

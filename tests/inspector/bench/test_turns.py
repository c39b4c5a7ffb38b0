"""Turns: who runs when, and what is counted, by a clock that works move themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inspector.bench import quartiles, take_turns


class World:
    """A clock that stands still unless someone works."""

    def __init__(self) -> None:
        self.now = 0.0
        self.log: list[str] = []

    def clock(self) -> float:
        return self.now

    def work(self, name: str, seconds: float) -> Callable[[], None]:
        def run() -> None:
            self.log.append(name)
            self.now += seconds

        return run


def test_works_alternate_and_the_first_run_of_a_turn_does_not_count() -> None:
    world = World()
    calls = {"a": 0}

    def first_is_slow() -> None:
        world.log.append("a")
        world.now += 9.0 if calls["a"] % 2 else 0.5
        calls["a"] += 1

    found = take_turns([first_is_slow, world.work("b", 0.5)], rounds=4, seconds=1e9, clock=world.clock)
    # one run each to see how long it takes, then in each round one that does not count and one that does
    assert world.log == ["a", "b", *(["a", "a", "b", "b"] * 4)]
    assert found == [[0.5] * 4, [0.5] * 4]


def test_short_works_are_repeated_within_a_turn() -> None:
    world = World()
    found = take_turns([world.work("a", 0.005)], rounds=3, seconds=1e9, clock=world.clock)
    # 20 ms are four runs of 5 ms
    assert len(world.log) == 1 + 3 * (1 + 4)
    assert found[0] == pytest.approx([0.005] * 3)


def test_time_ends_it_after_three_rounds() -> None:
    world = World()
    assert len(take_turns([world.work("a", 1.0)], rounds=50, seconds=0.0, clock=world.clock)[0]) == 3
    assert len(take_turns([world.work("a", 1.0)], rounds=50, seconds=20.0, clock=world.clock)[0]) == 11


def test_quartiles_are_those_of_the_definition() -> None:
    assert quartiles([5.0, 1.0, 3.0, 2.0, 4.0]) == (2.0, 3.0, 4.0)
    assert quartiles([7.0]) == (7.0, 7.0, 7.0)

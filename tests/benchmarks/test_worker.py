"""Workers: asked by JSON lines in a process of their own, whatever the library in them prints."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.cases import ratios
from benchmarks.environments import Environments
from benchmarks.processes import Process, WorkFailed
from benchmarks.turns import Pace, Prepared, take_turns
from benchmarks.work import Work

HERE = "tests.benchmarks.contenders"


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    with Process(sys.executable, 1, tmp_path / "log") as made:
        yield made


def work(folder: Path) -> dict[str, object]:
    return Work("chain-100", str(folder), batch=2, size=4).to_json()


def test_what_is_prepared_runs_and_returns(process: Process, tmp_path: Path) -> None:
    told = process.ask("prepare", number=7, function=f"{HERE}:doubling", work=work(tmp_path))
    assert told["facts"] == {"batch": 2}
    assert process.ask("save", number=7, path=str(tmp_path / "found.npy"))
    # once when prepared, once for saving: each run doubles
    assert np.load(tmp_path / "found.npy").tolist() == [4.0]
    # one that does not count, three that do
    assert len(process.ask("run", number=7, count=3)) == 3
    assert process.ask("save", number=7, path=str(tmp_path / "found.npy"))
    assert np.load(tmp_path / "found.npy").tolist() == [4.0 * 2**5]


def test_printing_does_not_disturb_the_answers(process: Process, tmp_path: Path) -> None:
    process.ask("prepare", number=0, function=f"{HERE}:talkative", work=work(tmp_path))
    assert "hello" in (tmp_path / "log").read_text()


def test_an_error_is_an_answer_and_the_process_goes_on(process: Process, tmp_path: Path) -> None:
    with pytest.raises(WorkFailed, match="ValueError: no such luck"):
        process.ask("prepare", number=0, function=f"{HERE}:failing", work=work(tmp_path))
    assert process.ask("memory")["peak"] > 0
    assert "Traceback" in (tmp_path / "log").read_text()


def test_a_process_that_dies_is_told_of(tmp_path: Path) -> None:
    with (
        Process(sys.executable, 1, tmp_path / "log") as process,
        pytest.raises(WorkFailed, match="the process ended with 5"),
    ):
        process.ask("prepare", number=0, function=f"{HERE}:dying", work=work(tmp_path))


def test_a_contender_that_breaks_down_does_not_stop_the_others(process: Process, tmp_path: Path) -> None:
    for number, name in enumerate(("doubling", "breaking")):
        process.ask("prepare", number=number, function=f"{HERE}:{name}", work=work(tmp_path))
    good, bad = take_turns([Prepared(process, 0), Prepared(process, 1)], Pace(rounds=3, seconds=0.0))
    assert isinstance(good, list)
    assert len(good) == 3
    assert isinstance(bad, WorkFailed)


def test_who_is_too_slow_for_turns_has_one_run(process: Process, tmp_path: Path) -> None:
    for number in range(2):
        process.ask("prepare", number=number, function=f"{HERE}:doubling", work=work(tmp_path))
    quick, slow = take_turns(
        [Prepared(process, 0, 0.5), Prepared(process, 1, 90.0)], Pace(rounds=3, seconds=0.0)
    )
    assert isinstance(quick, list)
    assert len(quick) == 3
    assert slow == [90.0]


def test_ratios_are_taken_round_by_round_and_of_one_run_to_the_median() -> None:
    assert ratios([2.0, 6.0, 12.0], [1.0, 2.0, 3.0]) == [2.0, 3.0, 4.0]
    assert ratios([90.0], [1.0, 2.0, 30.0]) == [45.0]


def test_environments_say_what_they_have(tmp_path: Path) -> None:
    with Environments([], tmp_path) as environments:
        assert environments.having(["inspector", "onnxruntime"]) == sys.executable
        assert environments.having(["inspector", "no_such_library"]) is None
        (found,) = environments.found.values()
        assert found["packages"]["numpy"] == np.__version__

"""A run that was stopped goes on; one that was finished, or was another, begins anew."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.journal import Journal

HEAD = {"rounds": 3, "seconds": 1.0, "environments": [{"packages": {"numpy": "2"}}], "began": "monday"}
ONE = {"suite": "gradient", "task": "gradient", "network": "resnet18", "batch": 1}


def test_what_was_measured_is_kept_as_soon_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    Journal(path, HEAD).add({**ONE, "rows": [1]}, minutes=2.0)
    assert json.loads(path.read_text())["cases"] == [{**ONE, "rows": [1]}]
    assert list(tmp_path.iterdir()) == [path]

    again = Journal(path, {**HEAD, "began": "tuesday"})
    assert again.resumed
    assert again.has(ONE)
    assert not again.has({**ONE, "batch": 16})
    again.add({**ONE, "batch": 16}, minutes=1.0)
    found = again.finish()
    assert (found["began"], found["minutes"], len(found["cases"])) == ("monday", 3.0, 2)
    assert found == json.loads(path.read_text())


def test_a_finished_run_begins_anew(tmp_path: Path) -> None:
    first = Journal(tmp_path / "run.json", HEAD)
    first.add(ONE, 1.0)
    first.finish()
    again = Journal(tmp_path / "run.json", HEAD)
    assert not again.resumed
    assert not again.has(ONE)


def test_another_pace_or_other_libraries_begin_anew(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    Journal(path, HEAD).add(ONE, 1.0)
    for other in ({"rounds": 5}, {"environments": []}):
        assert not Journal(path, {**HEAD, **other}).resumed
    assert not Journal(path, HEAD, fresh=True).resumed

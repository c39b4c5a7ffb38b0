"""A run without a GPU: CUDA is asked for, said to be missing, and the rest is measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import __main__ as program
from benchmarks import machine


def test_without_a_gpu_the_rest_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "BUILT", tmp_path)
    monkeypatch.setattr(program, "_peers", list)
    monkeypatch.setattr(machine, "gpu_missing", lambda: "no GPU here")
    asked = ["build", "--network", "chain-100", "--provider", "cuda", "--provider", "cpu"]
    done = CliRunner().invoke(program.main, [*asked, "--rounds", "3", "--seconds", "0", "--threads", "1"])
    assert done.exit_code == 0, done.output
    assert "CUDA was asked for, but there is no GPU here" in done.output
    found = json.loads((tmp_path / "results.json").read_text())
    (case,) = found["cases"]
    assert case["provider"] == "cpu"
    assert {row["name"] for row in case["rows"]} >= {"onnxlens", "onnx.load and a session"}
    assert found["gpu"] == "no GPU here"
    assert found["machine"]["cores"] >= 1
    # nothing of the machine's folders is published
    assert str(tmp_path) not in json.dumps(found)


def test_a_run_that_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "BUILT", tmp_path)
    monkeypatch.setattr(program, "_peers", list)
    asked = ["build", "--network", "chain-100", "--rounds", "3", "--seconds", "0", "--threads", "1"]
    assert CliRunner().invoke(program.main, asked).exit_code == 0
    kept = json.loads((tmp_path / "results.json").read_text())
    kept["finished"] = False
    kept["cases"][0]["rows"][0]["seconds"] = [1.0, 2.0, 3.0]
    (tmp_path / "results.json").write_text(json.dumps(kept))
    done = CliRunner().invoke(program.main, asked)
    assert "1 of 1 cases are kept" in done.output
    found = json.loads((tmp_path / "results.json").read_text())
    assert found["cases"] == kept["cases"]
    assert found["finished"]

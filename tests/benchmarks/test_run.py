"""A run without a GPU: CUDA is asked for, said to be missing, and the rest is measured; and a run that was stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from benchmarks import __main__ as program
from benchmarks import machine

ASKED = [
    "build",
    "--network",
    "chain-100",
    "--provider",
    "cuda",
    "--rounds",
    "3",
    "--seconds",
    "0",
    "--threads",
    "1",
]


def run(folder: Path) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(program, "BUILT", folder)
        patch.setattr(program, "_peers", list)
        patch.setattr(machine, "gpu_missing", lambda: "no GPU here")
        return CliRunner().invoke(program.main, ASKED)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("built")
    return folder, run(folder)


def test_without_a_gpu_the_rest_is_measured(measured: tuple[Path, Result]) -> None:
    folder, done = measured
    assert done.exit_code == 0, done.output
    assert "CUDA was asked for, but there is no GPU here" in done.output
    found = json.loads((folder / "results.json").read_text())
    (case,) = found["cases"]
    assert case["provider"] == "cpu"
    assert {row["name"] for row in case["rows"]} >= {"onnxlens", "onnx.load and a session"}
    assert found["gpu"] == "no GPU here"
    assert found["machine"]["cores"] >= 1
    # nothing of the machine's folders is published
    assert str(folder) not in json.dumps(found)


def test_a_run_that_was_stopped_goes_on(measured: tuple[Path, Result]) -> None:
    folder, _ = measured
    path = folder / "results.json"
    kept = json.loads(path.read_text())
    kept["finished"] = False
    kept["cases"][0]["rows"][0]["seconds"] = [1.0, 2.0, 3.0]
    path.write_text(json.dumps(kept))
    assert "1 of 1 cases are kept" in run(folder).output
    found = json.loads(path.read_text())
    assert found["cases"] == kept["cases"]
    assert found["finished"]

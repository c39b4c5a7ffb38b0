"""`onnxlens train`, through the program that people run."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from inspector.cli import main
from tests.trainers.toy import ToyLearner
from trainers.cli.train import train
from trainers.frameworks import Framework
from trainers.quiet import quiet_start
from trainers.runs import open_run

SMALL = ["--images-per-class", "5", "--epochs", "2", "--batch-size", "64", "--learning-rate", "0.05"]


def run(out: Path, *arguments: str, model: str = "section2-line") -> Result:
    return CliRunner().invoke(main, ["train", model, "--framework", "torch", "--out", str(out), *arguments])


def test_every_option_has_help() -> None:
    assert [
        option.name for option in train.params if isinstance(option, click.Option) and not option.help
    ] == []
    result = CliRunner().invoke(main, ["train", "--help"])
    assert result.exit_code == 0
    assert "--resume" in result.output


def test_a_training_ends_with_a_table_and_a_folder(toy_framework: Framework, tmp_path: Path) -> None:
    result = run(tmp_path / "run", *SMALL)
    assert result.exit_code == 0, result.output
    assert "accuracy on the test set" in result.stdout
    assert "epoch 2/2" in result.stderr
    assert open_run(tmp_path / "run").finished


def test_quiet_prints_nothing(toy_framework: Framework, tmp_path: Path) -> None:
    result = run(tmp_path / "run", *SMALL, "--quiet")
    assert (result.exit_code, result.output) == (0, "")


def test_json_is_one_document_on_stdout(toy_framework: Framework, tmp_path: Path) -> None:
    result = run(tmp_path / "run", *SMALL, "--json")
    values = json.loads(result.stdout)
    assert values["accuracy"] == open_run(tmp_path / "run").metrics["accuracy"]
    assert set(values["heads"]) == {"length", "width", "angle", "colour"}
    assert values["epochs"] == 2


def test_a_finished_run_is_refused_unless_resumed_or_overwritten(
    toy_framework: Framework, tmp_path: Path
) -> None:
    assert run(tmp_path / "run", *SMALL).exit_code == 0
    refused = run(tmp_path / "run", *SMALL)
    assert refused.exit_code == 2
    assert refused.stderr.startswith("Error: ")
    assert "--overwrite" in refused.stderr
    assert run(tmp_path / "run", "--resume").exit_code == 0
    assert run(tmp_path / "run", *SMALL, "--overwrite").exit_code == 0


def test_ctrl_c_keeps_the_last_epoch_says_how_to_go_on_and_exits_130(
    toy_framework: Framework, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole"
    assert run(whole, *SMALL).exit_code == 0
    original = ToyLearner.train_batch
    calls: list[int] = []

    def interrupted(self: ToyLearner, images: Any, targets: Any) -> Any:
        calls.append(1)
        if len(calls) == 5:  # three batches an epoch
            raise KeyboardInterrupt
        return original(self, images, targets)

    monkeypatch.setattr(ToyLearner, "train_batch", interrupted)
    out = tmp_path / "run"
    stopped = run(out, *SMALL)
    assert stopped.exit_code == 130
    assert f"onnxlens train section2-line --framework torch --out {out} --resume" in stopped.stderr
    assert "Traceback" not in stopped.output
    assert len(open_run(out).history) == open_run(out).info["epochs"] == 1
    assert not open_run(out).finished
    assert not list(out.rglob("*part*"))

    monkeypatch.setattr(ToyLearner, "train_batch", original)
    resumed = run(out, "--resume")
    assert resumed.exit_code == 0, resumed.output
    assert open_run(out).metrics == open_run(whole).metrics


def test_resume_keeps_what_the_run_was_started_with(toy_framework: Framework, tmp_path: Path) -> None:
    assert run(tmp_path / "run", *SMALL).exit_code == 0
    changed = run(tmp_path / "run", "--resume", "--batch-size", "32")
    assert changed.exit_code == 2
    assert "was started with batch_size 64, which --resume cannot change to 32" in changed.stderr
    other = run(tmp_path / "run", "--resume", model="section1-line")
    assert other.exit_code == 2
    assert "was started with model section2-line" in other.stderr
    assert run(tmp_path / "run", "--resume", "--data-seed", "1").exit_code == 2
    assert run(tmp_path / "run", "--resume", *SMALL).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--resume"], "not a run folder"),
        (["--resume", "--overwrite"], "contradict"),
        (["--loss-weight", "angle"], "not OUTPUT=NUMBER"),
        (["--loss-weight", "angel=2"], "no output 'angel'"),
        (["--limit", "100"], "'line' has no option limit"),
        (["--epochs", "0"], "--epochs"),
        (["--framework", "jax"], "--framework"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    arguments: list[str], said: str, toy_framework: Framework, tmp_path: Path
) -> None:
    result = run(tmp_path / "run", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_missing_framework_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "trainers.torch_trainer", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    result = run(tmp_path / "run")
    assert result.exit_code == 2
    assert "pip install onnxlens[torch]" in result.stderr
    assert not (tmp_path / "run").exists()


def fail_noisily() -> None:
    with quiet_start():
        os.write(2, b"the reason\n")
        raise RuntimeError


def test_chatter_of_native_libraries_is_held_back_unless_the_block_fails(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with quiet_start():
        os.write(2, b"chatter\n")
    assert capfd.readouterr().err == ""
    with pytest.raises(RuntimeError):
        fail_noisily()
    assert capfd.readouterr().err == "the reason\n"

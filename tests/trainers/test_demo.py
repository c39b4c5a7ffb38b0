"""The demonstration: a real, tiny one from data to report; what can go otherwise, with the steps replaced."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from trainers.cli import demo as demo_command
from trainers.demo import Plan, Size, Step, flow, run_folder, steps_for
from trainers.demo.plan import FULL, REDUCED, installed_frameworks
from trainers.errors import DataUnavailable, TrainerError

TINY = Size(images_per_class=5, mnist_limit=60, line_epochs=1, mnist_epochs=1)


def tiny(out: Path, **changes: Any) -> Plan:
    return Plan(
        **({"out": out, "frameworks": ("torch",), "models": ("section2-line",), "size": TINY} | changes)
    )


def pretend_run(plan: Plan, model: str, framework: str, status: str = "finished", **changes: Any) -> Path:
    """As much of a run folder as the demonstration looks at."""
    folder = run_folder(plan, model, framework)
    folder.mkdir(parents=True)
    mnist = model.endswith("mnist")
    info = {
        "status": status,
        "seed": plan.seed,
        "settings": {"epochs": plan.size.mnist_epochs if mnist else plan.size.line_epochs},
        "dataset": {"limit": plan.size.mnist_limit}
        if mnist
        else {"images_per_class": plan.size.images_per_class},
        "labels": {"a": ["0", "1"], "b": ["0", "1"]},
    } | changes
    (folder / "run.json").write_text(json.dumps(info), encoding="utf-8")
    return folder


@pytest.mark.torch
def test_a_tiny_demo_makes_a_checked_report_and_goes_on_from_what_is_there(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    plan = tiny(tmp_path / "demo", figures=("filters",))
    assert flow.run_demo(plan) is False
    out, err = capfd.readouterr()
    assert (plan.out / "report.html").stat().st_size > 100_000
    assert (plan.out / "runs/section2-line-torch/model.onnx").is_file()
    assert len(list((plan.out / "images/line").glob("image-0?_*.png"))) == 6
    assert len(list((plan.out / "figures/section2-line-torch/filters").glob("*.png"))) == 1
    assert "gradient checks: 30 passed" in err
    assert "Section-2 Line in PyTorch" in out
    assert "$ onnxlens train section2-line --framework torch" in err
    assert "[4/4] The report" in err

    steps = steps_for(plan)
    assert [step.title for step in steps if not step.done()] == ["The report"]
    (plan.out / "figures/section2-line-torch/.complete").unlink()
    assert [step.title for step in steps_for(plan) if not step.done()] == [
        "Figures of Section-2 Line in PyTorch",
        "The report",
    ]


def test_the_steps_of_the_whole_demo(tmp_path: Path) -> None:
    plan = Plan(tmp_path, ("torch", "tensorflow"))
    steps = steps_for(plan)
    assert len(steps) == 2 * 3 * 3 + 1
    assert not any(step.done() for step in steps)
    assert steps[0].commands()[0] == [
        "train", "section1-line", "--framework", "torch", "--out", f"{tmp_path}/runs/section1-line-torch",
        "--epochs", str(REDUCED.line_epochs), "--seed", "0", "--images-per-class", str(REDUCED.images_per_class),
    ]  # fmt: skip
    assert steps[1].commands()[0] == ["export", f"{tmp_path}/runs/section1-line-torch"]


def test_provider_threads_and_quiet_reach_every_command(tmp_path: Path) -> None:
    plan = Plan(tmp_path, ("torch",), models=("section1-line",), provider="cpu", threads=2, quiet=True)
    commands = {command[0]: command for step in steps_for(plan) for command in step.commands()}
    assert set(commands) == {"train", "export", "activations", "filters", "explain", "report"}
    assert all("--quiet" in command for command in commands.values())
    assert all("--provider" in commands[name] for name in ("activations", "filters", "explain", "report"))
    # the three that draw run together, each on a core of its own
    threads = {
        name: command[command.index("--threads") + 1]
        for name, command in commands.items()
        if name != "export"
    }
    assert threads == {"train": "2", "activations": "1", "filters": "1", "explain": "1", "report": "2"}


def test_full_training_takes_all_of_mnist(tmp_path: Path) -> None:
    plan = tiny(tmp_path, models=("section1-mnist",), size=FULL, mnist_dir=Path("digits"))
    arguments = steps_for(plan)[0].commands()[0]
    assert "--limit" not in arguments
    assert arguments[arguments.index("--mnist-dir") + 1] == "digits"


def test_an_unfinished_training_is_resumed(tmp_path: Path) -> None:
    plan = tiny(tmp_path)
    folder = pretend_run(plan, "section2-line", "torch", status="running")
    train = steps_for(plan)[0]
    assert not train.done()
    assert train.commands()[0] == [
        "train",
        "section2-line",
        "--framework",
        "torch",
        "--out",
        str(folder),
        "--resume",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 7}, "with seed 7, not 0"),
        ({"dataset": {"images_per_class": 1000}}, "with images-per-class 1000, not 5"),
        ({"settings": {"epochs": 8}}, "with epochs 8, not 1.*--out"),
    ],
)
def test_a_run_of_another_size_is_neither_used_nor_overwritten(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    plan = tiny(tmp_path)
    pretend_run(plan, "section2-line", "torch", **changes)
    with pytest.raises(TrainerError, match=message):
        steps_for(plan)


def test_a_damaged_run_is_said(tmp_path: Path) -> None:
    plan = tiny(tmp_path)
    (pretend_run(plan, "section2-line", "torch") / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(TrainerError, match=r"run\.json is damaged"):
        steps_for(plan)


def test_without_mnist_the_demo_goes_on_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable(_: object) -> None:
        raise DataUnavailable("MNIST is not to be had: no network")

    monkeypatch.setattr(flow, "locate", unreachable)
    whole = tiny(tmp_path, models=("section1-line", "section1-mnist"))
    assert flow.without_missing_mnist(whole).models == ("section1-line",)
    assert "going on without MNIST. MNIST is not to be had: no network" in capsys.readouterr().err
    with pytest.raises(DataUnavailable):
        # who names a folder wants to know that it is the wrong one
        flow.without_missing_mnist(replace(whole, mnist_dir=tmp_path / "wrong"))


def test_a_missing_framework_is_left_out_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "trainers.demo.plan.find_spec", lambda name: None if name == "tensorflow" else object()
    )
    usable, notes = installed_frameworks("both")
    assert usable == ("torch",)
    assert notes == ["TensorFlow is left out: tensorflow not installed (pip install 'onnxlens[tensorflow]')"]
    with pytest.raises(TrainerError, match="nothing to train with: TensorFlow is left out"):
        installed_frameworks("tensorflow")


@pytest.fixture
def exit_codes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The codes that the next steps end with."""
    codes: list[int] = []
    monkeypatch.setattr(flow, "run_commands", lambda _, show: [codes.pop(0)])
    return codes


def step(after: list[str], **changes: Any) -> Step:
    return Step("A step", lambda: [["x"]], lambda: False, after=lambda: after.append("done"), **changes)


def test_a_step_that_fails_ends_the_demo(exit_codes: list[int]) -> None:
    after: list[str] = []
    exit_codes[:] = [2, 1]
    for code in (2, 1):
        with pytest.raises(
            TrainerError, match=f"`onnxlens x` ended with exit code {code}.*goes on from here"
        ):
            flow.carry_out(step(after), "[1/1]")
    assert after == []


def test_a_failed_check_does_not_end_the_demo_but_is_told(exit_codes: list[int]) -> None:
    after: list[str] = []
    exit_codes[:] = [1, 0]
    assert flow.carry_out(step(after, check=True), "[1/1]") is True
    assert flow.carry_out(step(after, check=True), "[1/1]") is False
    assert after == ["done", "done"]


def test_ctrl_c_in_a_step_is_ctrl_c_of_the_demo(exit_codes: list[int]) -> None:
    exit_codes[:] = [130]
    with pytest.raises(KeyboardInterrupt):
        flow.carry_out(step([]), "[1/1]")


@pytest.mark.parametrize("ends", [True, False])
def test_an_interrupted_step_may_put_its_files_in_order(monkeypatch: pytest.MonkeyPatch, ends: bool) -> None:
    told: list[str] = []

    class Process:
        def __init__(self, *_: object, **__: object) -> None:
            self.waits = 0

        def wait(self, timeout: float | None = None) -> int:
            self.waits += 1
            if self.waits == 1:
                raise KeyboardInterrupt
            if timeout is not None and not ends:
                raise subprocess.TimeoutExpired("x", timeout)
            told.append("ended")
            return 130

        def terminate(self) -> None:
            told.append("terminated")

    monkeypatch.setattr(subprocess, "Popen", Process)
    with pytest.raises(KeyboardInterrupt):
        flow.run_commands([["train"]])
    assert told == (["ended"] if ends else ["terminated", "ended"])


@pytest.mark.parametrize(("check_failed", "code"), [(True, 1), (False, 0)])
def test_the_command_ends_with_1_where_a_check_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check_failed: bool, code: int
) -> None:
    plans: list[Plan] = []
    monkeypatch.setattr(flow, "run_demo", lambda plan: plans.append(plan) or check_failed)
    monkeypatch.setattr("trainers.demo.plan.find_spec", lambda _: object())
    result = CliRunner().invoke(demo_command, ["--out", str(tmp_path / "d"), "--seed", "3", "--full"])
    assert result.exit_code == code
    assert plans == [Plan(tmp_path / "d", ("torch", "tensorflow"), size=FULL, seed=3)]


def test_a_package_of_the_same_name_in_the_current_folder_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inspector.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    assert flow.run_commands([["--version"]], show=False) == [0]

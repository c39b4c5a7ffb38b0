from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import click
import pytest

from inspector.cli.failures import exit_code_and_line
from inspector.errors import InspectorError, LayerNotFound, ModelNotFound
from inspector.lens import Inspector
from tests.inspector.cli.conftest import Run, error_line


class OutsideError(ValueError):
    exit_code = 2


def raising(error: BaseException) -> Any:
    def function(*_: object, **__: object) -> None:
        raise error

    return function


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (InspectorError("wrong"), 2, "Error: wrong"),
        (ModelNotFound("there is no file m.onnx"), 2, "Error: there is no file m.onnx"),
        (LayerNotFound("no layer;\n  near: a"), 2, "Error: no layer; near: a"),
        (OutsideError("no such data set"), 2, "Error: no such data set"),
        (click.UsageError("bad"), 2, "Error: bad"),
        (click.ClickException("bad"), 2, "Error: bad"),
        (OSError(errno.ENOSPC, "No space left on device", "/a/b"), 2, "Error: /a/b: the disk is full."),
        (PermissionError(errno.EACCES, "Permission denied", "/a"), 2, "Error: /a: Permission denied."),
        (MemoryError(), 2, "Error: not enough memory"),
        (ModuleNotFoundError("No module named 'torch'", name="torch"), 2, "pip install 'onnxlens[torch]'"),
        (
            ModuleNotFoundError("No module named 'keras.src'", name="keras.src"),
            2,
            "pip install 'onnxlens[tensorflow]'",
        ),
        (ModuleNotFoundError("No module named 'rich'", name="rich"), 2, "'rich' is missing"),
        (ModuleNotFoundError("No module named 'inspector.x'", name="inspector.x"), 3, "internal error"),
        (RuntimeError("oops"), 3, "Error: internal error: RuntimeError: oops"),
        (RecursionError("deep"), 3, "please report it"),
        (KeyboardInterrupt(), 130, "Interrupted."),
        (click.Abort(), 130, "Interrupted."),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 0, ""),
    ],
)
def test_every_failure_has_its_code_and_one_line(error: BaseException, code: int, words: str) -> None:
    found, line = exit_code_and_line(error)
    assert found == code
    assert words in line
    assert "\n" not in line


def test_end_of_file_is_no_interrupt() -> None:
    abort = click.Abort()
    abort.__cause__ = EOFError()
    assert exit_code_and_line(abort)[0] == 3


def test_control_c(run: Run, model: Path, pictures: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Inspector, "activations", raising(KeyboardInterrupt()))
    result = run("activations", model, *pictures)
    assert result.exit_code == 130
    assert result.stderr.strip() == "Interrupted."
    assert list(Path.cwd().iterdir()) == []


def listen() -> None:
    """What a shell starts in the background, a test run among it, ignores Ctrl-C, and its children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def interrupt(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Send Ctrl-C until the process ends, as people do; what it printed.

    Once is nearly always enough. But a signal that comes after Python's last look at its flags and before the system
    call that blocks is seen only when that call returns.
    """
    for _ in range(6):
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=10)
    process.kill()
    pytest.fail("the process does not end on Ctrl-C")


def test_control_c_from_a_terminal(model: Path, tmp_path: Path) -> None:
    """A real signal, to a process that is known to be at work: it waits for a picture that never comes."""
    pipe = tmp_path / "never.png"
    os.mkfifo(pipe)
    command = [
        sys.executable,
        "-m",
        "inspector",
        "explain",
        str(model),
        str(pipe),
        "--out",
        str(tmp_path / "out"),
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=listen
    )
    with process, pipe.open("wb"):  # opens when the other side does
        stdout, stderr = interrupt(process)
    assert process.returncode == 130
    assert stdout == ""
    assert stderr.strip() == "Interrupted."
    assert not (tmp_path / "out").exists()


def test_an_internal_error_is_short_and_says_how_to_report_it(
    run: Run, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Inspector, "layers", raising(RuntimeError("oops")))
    line = error_line(run("layers", model), code=3)
    assert "RuntimeError: oops" in line
    assert "report it" in line


@pytest.mark.parametrize(
    "arguments", [("layers", "nowhere.onnx", "--debug"), ("--debug", "layers", "nowhere.onnx")]
)
def test_debug_shows_the_traceback(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("Error: there is no file nowhere.onnx")


def test_warnings_are_one_line_without_code(run: Run, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def warned(*_: object, **__: object) -> list[object]:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            # kept as the program set it: the filter, not the way to show, is the test runner's
            warnings.showwarning("two runtimes\nare installed", UserWarning, __file__, 1)
        raise InspectorError("stop")

    monkeypatch.setattr(Inspector, "layers", warned)
    result = run("layers", model)
    assert result.stderr.splitlines() == ["Warning: two runtimes are installed", "Error: stop"]


def test_a_full_disk(run: Run, model: Path, pictures: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "matplotlib.figure.Figure.savefig", raising(OSError(errno.ENOSPC, "No space left on device"))
    )
    line = error_line(run("activations", model, pictures[0], "--out", "new"))
    assert "the disk is full" in line
    assert list((Path.cwd() / "new").iterdir()) == []

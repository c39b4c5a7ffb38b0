from __future__ import annotations

import ast
import configparser
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from inspector import __version__
from inspector.cli import main
from inspector.cli.program import COMMANDS, ENTRY_POINTS
from tests.inspector.cli.conftest import Run, error_line

ROOT = Path(__file__).resolve().parents[3]
OURS = [name for name, entry in COMMANDS.items() if entry.where is not None]


def modules_after(code: str) -> set[str]:
    probe = f"import sys\ntry:\n    {code}\nexcept SystemExit:\n    pass\nprint(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(ast.literal_eval(done.stderr))


def test_help_imports_click_and_nothing_else_of_weight() -> None:
    """What `--help` loads beyond click and the interpreter's own is this program's first four modules."""
    help_ = modules_after("from inspector.cli import main; main(['--help'])")
    click_ = modules_after("import click; click.echo('')")
    ours = {name for name in help_ if name.partition(".")[0] == "inspector"}
    assert ours == {"inspector", "inspector._version", "inspector.errors", "inspector.cli"} | {
        f"inspector.cli.{name}" for name in ("program", "failures")
    }
    others = {name.partition(".")[0] for name in help_ - click_ - ours}
    assert others <= {"click", *sys.stdlib_module_names}, others
    assert not {"importlib.metadata", "asyncio", "email", "http"} & help_


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    for name, entry in COMMANDS.items():
        assert f"  {name} " in result.output
        assert entry.help.split()[0] in result.output


@pytest.mark.parametrize("name", OURS)
def test_every_command_has_help_that_begins_as_listed(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.help is not None
    assert " ".join(command.help.split()).startswith(COMMANDS[name].help.rstrip("."))
    for option in command.params:
        assert not isinstance(option, click.Option) or option.help or option.name in ("score", "out"), (
            option.name
        )
    for option in ("--provider", "--threads", "--quiet", "--debug"):
        assert option in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    assert any(f"onnxlens {name}" in page.read_text(encoding="utf-8") for page in pages)


def test_commands_from_outside_are_this_distributions_entry_points() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    points = setup["options.entry_points"][ENTRY_POINTS].split("\n")
    declared = {line.partition("=")[0].strip() for line in points if line.strip()}
    assert declared == {name for name, entry in COMMANDS.items() if entry.where is None}


def test_a_command_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.setattr("inspector.cli.program.ENTRY_POINTS", "onnxlens.nothing")
    assert "'demo' is not installed" in error_line(run("demo"))


def test_version() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert result.output == f"onnxlens, version {__version__}\n"


def test_the_module_is_the_same_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "inspector", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Usage: onnxlens ")


def test_without_a_command_its_help_stands_as_it_is(run: Run) -> None:
    bare, asked = run(), run("--help")
    assert bare.exit_code == 2
    assert bare.stderr == asked.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["layrs"], "no command 'layrs': did you mean 'layers'?"),
        (["frobnicate"], "no command 'frobnicate': there are demo, data"),
        (["--frobnicate"], "--frobnicate"),
        (["layers"], "Missing argument 'MODEL.onnx'"),
        (["layers", "m.onnx", "--frobnicate"], "--frobnicate"),
        (["explain", "m.onnx"], "Missing argument 'IMAGE...'"),
        (["explain", "m.onnx", "a.png", "--size", "big"], "'big' is not a size"),
        (["explain", "m.onnx", "a.png", "--size", "0"], "'0' is not a size"),
        (["explain", "m.onnx", "a.png", "--mean", "a,b"], "'a,b' is not a number"),
        (["explain", "m.onnx", "a.png", "--fit", "stretch"], "--fit"),
        (["explain", "m.onnx", "a.png", "--set", "steps"], "--set takes key=value"),
        (["layers", "m.onnx", "--threads", "0"], "--threads"),
    ],
)
def test_bad_usage_is_one_line(run: Run, arguments: list[str], words: str) -> None:
    line = error_line(run(*arguments))
    assert words in line
    assert "--help`.)" in line

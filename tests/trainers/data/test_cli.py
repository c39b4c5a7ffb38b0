"""`onnxlens data`, as a person calls it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result

from inspector.cli import main
from trainers.data.line import CLASSES


def onnxlens(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["data", *map(str, arguments)])


def test_line_is_written_and_described(tmp_path: Path) -> None:
    result = onnxlens("line", "--images-per-class", 5, "--seed", 2, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "distinct images per class" in result.stdout
    assert "288, 192" in result.stdout
    with np.load(tmp_path / "line.npz") as file:
        assert len(file["train_images"]) == CLASSES * 3


def test_both_formats_and_json(tmp_path: Path) -> None:
    result = onnxlens("line", "--images-per-class", 3, "--out", tmp_path, "--format", "both", "--json")
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["images"] == 288
    assert summary["test_twins"] == 0
    assert summary["written"] == [str(tmp_path / "line.npz"), str(tmp_path)]
    assert len(list(tmp_path.glob("t*/*.png"))) == 288


def test_the_name_of_a_file_is_refused_as_folder(tmp_path: Path) -> None:
    result = onnxlens("line", "--images-per-class", 3, "--out", tmp_path / "lines.npz")
    assert result.exit_code == 2
    assert "names a file: give the folder" in result.output
    assert list(tmp_path.iterdir()) == []


def test_quiet_prints_nothing(tmp_path: Path) -> None:
    result = onnxlens("line", "--images-per-class", 3, "--out", tmp_path, "--quiet", "--format", "png")
    assert (result.exit_code, result.output) == (0, "")


def test_mnist_from_a_folder(files: dict[str, bytes], cache: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    result = onnxlens("mnist", "--mnist-dir", folder, "--out", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["details"]["sources"] == [str(folder)]
    assert (tmp_path / "out" / "mnist.npz").is_file()


def test_files_that_are_not_mnist_are_one_line_and_code_2(
    files: dict[str, bytes], cache: Path, tmp_path: Path
) -> None:
    for name in files:
        (tmp_path / name).write_bytes(b"something else")
    result = onnxlens("mnist", "--mnist-dir", tmp_path, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: train-images-idx3-ubyte is not the MNIST file")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["line", "--images-per-class", "1"], "x>=3"),
        (["line", "--seed", "-1"], "x>=0"),
        (["line", "--format", "gif"], "npz"),
        (["squares"], "squares"),
        (["mnist", "--mnist-dir", "/nowhere/at/all"], "is not a folder"),
    ],
)
def test_bad_usage_is_one_line_and_code_2(arguments: list[str], reason: str) -> None:
    result = onnxlens(*arguments)
    assert result.exit_code == 2
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_place_that_cannot_be_written_is_one_line_and_code_2(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = onnxlens("line", "--images-per-class", 3, "--out", tmp_path / "file" / "below")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: cannot make the folder")


def test_help_says_what_each_option_is() -> None:
    for name in ("line", "mnist"):
        text = onnxlens(name, "--help").output
        for option in ("--out", "--format", "--json", "--quiet", "--debug"):
            assert option in text


def test_the_command_is_found_whoever_imported_its_module_first() -> None:
    import trainers.cli.data  # noqa: F401  # binds the sub-module to the name that the command has
    from trainers.cli import data

    assert isinstance(data, click.Group)


def test_there_are_no_other_commands() -> None:
    with pytest.raises(ImportError, match="nothing"):
        from trainers.cli import nothing  # noqa: F401


def test_asking_for_the_command_imports_no_framework_and_no_numpy() -> None:
    code = (
        "import sys; from trainers.cli import data; "
        "print({'numpy', 'torch', 'tensorflow', 'rich', 'PIL'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

from __future__ import annotations

import pickle
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from tests.inspector.cli.conftest import Run, error_line, save


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.fixture
def bad_models(tmp_path: Path, model: Path) -> Path:
    whole = model.read_bytes()
    (tmp_path / "empty.onnx").touch()
    (tmp_path / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.onnx").write_text("this is not a model")
    (tmp_path / "pickle.onnx").write_bytes(pickle.dumps({"weight": [1.0, 2.0]}))
    (tmp_path / "folder.onnx").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.onnx", "there is no file"),
        ("empty.onnx", "is empty"),
        ("cut.onnx", "cut short"),
        ("text.onnx", "not an ONNX model"),
        ("pickle.onnx", "pickle"),
        ("folder.onnx", "is a folder"),
    ],
)
@pytest.mark.parametrize("command", ["layers", "activations", "filters", "explain", "check", "report"])
def test_files_that_are_no_model(
    run: Run, bad_models: Path, pictures: list[Path], command: str, name: str, words: str
) -> None:
    images = pictures[:1] if command in ("activations", "explain", "check", "report") else []
    if command == "report" and name == "folder.onnx":
        words = "run.json"
    assert words in error_line(run(command, bad_models / name, *images))


@pytest.fixture
def bad_pictures(tmp_path: Path) -> Path:
    (tmp_path / "text.png").write_text("this is not a picture")
    header = struct.pack(">IIBBBBB", 40_000, 25_000, 8, 0, 0, 0, 0)
    (tmp_path / "billion.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b"")
    )
    np.save(tmp_path / "size.npy", np.zeros((1, 3, 13, 12), np.float32))
    np.save(tmp_path / "channels.npy", np.zeros((1, 1, 12, 12), np.float32))
    np.save(tmp_path / "nan.npy", np.full((1, 3, 12, 12), np.nan, np.float32))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "none").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.png", "there is no picture at"),
        ("text.png", "is not a picture"),
        ("billion.png", "too large a picture"),
        ("size.npy", "float32 (1, 3, 13, 12), the input is image float32 (batch, 3, 12, 12)"),
        ("channels.npy", "float32 (1, 1, 12, 12), the input is image float32 (batch, 3, 12, 12)"),
        ("nan.npy", "NaN or infinite"),
        ("objects.npy", "never loaded"),
        ("none", "holds no pictures"),
    ],
)
@pytest.mark.parametrize("command", ["activations", "explain", "check", "report"])
def test_pictures_that_are_none(
    run: Run, model: Path, bad_pictures: Path, command: str, name: str, words: str
) -> None:
    assert words in error_line(run(command, model, bad_pictures / name))


@pytest.mark.parametrize("command", ["activations", "explain", "check"])
def test_an_unknown_layer_is_told_with_near_ones(
    run: Run, model: Path, pictures: list[Path], command: str
) -> None:
    line = error_line(run(command, model, pictures[0], "--layer", "max_pol"))
    assert "no layer 'max_pol'" in line
    assert "max_pool" in line.replace("'max_pol'", "")


def test_an_unknown_layer_of_filters(run: Run, model: Path) -> None:
    assert "conv" in error_line(run("filters", model, "--layer", "convv")).replace("convv", "")
    assert "relu" in error_line(run("filters", model, "--layer", "relu"))


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("purple", "purple"),
        ("length[3]", "length"),
        ("4", "4"),
        ("logits[17]", "17"),
        ("logits[0,0]", "logits"),
        ("logits[", "logits["),
    ],
)
@pytest.mark.parametrize("command", ["explain", "check"])
def test_targets_that_are_none(
    run: Run, model: Path, pictures: list[Path], command: str, target: str, words: str
) -> None:
    assert words in error_line(run(command, model, pictures[0], "--target", target))


def test_fewer_targets_than_pictures(run: Run, model: Path, pictures: list[Path]) -> None:
    three = [*pictures, pictures[0]]
    line = error_line(run("explain", model, *three, "--target", "red", "--target", "blue"))
    assert "2 targets for 3 pictures" in line


def test_a_model_without_spatial_layer(run: Run, flat_model: Path) -> None:
    np.save("x.npy", np.ones((1, 5), np.float32))
    error_line(run("explain", flat_model, "x.npy", "--method", "gradcam"))
    assert "no spatial feature map" in error_line(run("activations", flat_model, "x.npy"))
    assert "no convolution" in error_line(run("filters", flat_model))
    result = run("explain", flat_model, "x.npy")
    assert result.exit_code == 0, result.output
    assert "saliency" in result.stdout


def test_an_unknown_method_and_an_unknown_option_of_one(run: Run, model: Path, pictures: list[Path]) -> None:
    assert "gradcam" in error_line(run("explain", model, pictures[0], "--method", "gradcamm"))
    assert "window" in error_line(run("explain", model, pictures[0], "--set", "window=3"))


def test_an_unknown_provider(run: Run, model: Path, pictures: list[Path]) -> None:
    assert "provider" in error_line(run("activations", model, pictures[0], "--provider", "abacus"))


def test_filters_out_of_range(run: Run, model: Path) -> None:
    assert "there are 8, 0 to 7" in error_line(run("filters", model, "--filters", "0-8"))
    assert "no number and no range" in error_line(run("filters", model, "--filters", "a"))


@pytest.mark.parametrize("command", ["activations", "explain", "filters", "report"])
def test_an_output_folder_that_cannot_be(run: Run, model: Path, pictures: list[Path], command: str) -> None:
    Path("file").write_text("in the way")
    images = [] if command == "filters" else pictures[:1]
    assert "cannot write" in error_line(run(command, model, *images, "--out", "file/below"))
    assert Path("file").read_text() == "in the way"
    assert [path.name for path in Path.cwd().iterdir()] == ["file"]


def test_labels_files_that_are_none(run: Run, model: Path, pictures: list[Path]) -> None:
    Path("empty.txt").touch()
    Path("broken.json").write_text('{"0": "a", "2": "b"}')
    Path("binary.txt").write_bytes(b"\xff\xfe\x00\x80")
    for name, words in {
        "nowhere.txt": "no file nowhere.txt", "empty.txt": "no class names", "broken.json": "keys 0, 1, 2",
        "binary.txt": "not a text file",
    }.items():  # fmt: skip
        assert words in error_line(run("explain", model, pictures[0], "--labels", name))


def test_a_size_that_the_model_does_not_take(run: Run, model: Path, pictures: list[Path]) -> None:
    assert "takes pictures of 12x12, not 24x24" in error_line(
        run("explain", model, pictures[0], "--size", "24")
    )


def test_broken_weights_are_told_of_and_drawn_as_unseen(run: Run, model: Path, pictures: list[Path]) -> None:
    proto = onnx.load(model)
    weights = next(weight for weight in proto.graph.initializer if weight.name == "w")
    values = numpy_helper.to_array(weights).copy()
    values[0] = np.nan
    weights.CopyFrom(numpy_helper.from_array(values, "w"))
    onnx.save(proto, "broken.onnx")
    for command in (
        ["activations", "broken.onnx", pictures[0], "--layer", "conv"],
        ["filters", "broken.onnx"],
    ):
        result = run(*command)
        assert result.exit_code == 0
        assert result.stderr.count("Warning: ") == 1
        assert "the weights 'w' contain NaN" in result.stderr
    for command in (["explain", "broken.onnx", pictures[0]], ["check", "broken.onnx"]):
        assert "the weights 'w' contain NaN" in error_line(run(*command))


def test_a_size_too_small_for_the_model(tmp_path: Path, pictures: list[Path]) -> None:
    path = save(
        tmp_path / "any.onnx",
        [
            helper.make_node("Conv", ["image", "w"], ["conv"]),
            helper.make_node("GlobalAveragePool", ["conv"], ["pool"]),
            helper.make_node("Flatten", ["pool"], ["logits"]),
        ],
        {"w": np.ones((2, 3, 5, 5))},
        ["batch", 3, "height", "width"],
        2,
    )
    # what the runtime prints itself does not pass through Python's stderr
    done = subprocess.run(
        [sys.executable, "-m", "inspector", "explain", path, pictures[0], "--preset", "unit", "--size", "2"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert [line[:7] for line in done.stderr.splitlines() if not line.startswith("Note: ")] == ["Error: "]

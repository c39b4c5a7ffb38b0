"""`onnxlens embed`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner, Result

from inspector import Inspector
from inspector.cli import main
from tests.inspector.embed.running import run
from tests.inspector.graphs import cnn, images, multi_head


def onnxlens(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    onnx.save(multi_head(), tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def test_it_says_what_was_written_and_what_it_costs(model: Path, tmp_path: Path) -> None:
    out, x = tmp_path / "explained.onnx", images(3, 8)
    result = onnxlens(
        "embed", model, "--out", out, "--method", "layercam", "--layer", "Relu:last", "--target", "angle=30°"
    )
    assert result.exit_code == 0, result.output
    lines = dict(line.split(": ", 1) for line in result.stdout.splitlines() if ": " in line)
    assert lines["explains"] == "angle=30°"
    assert lines["method"] == "layercam at relu"
    written = onnx.load(out)
    added = len(written.graph.node) - len(multi_head().graph.node)
    assert lines["nodes"] == f"{len(written.graph.node)}, {added} of them for the heatmap"
    assert lines["size"].startswith(f"{out.stat().st_size / 1e6:.3f} MB, before ")
    assert lines["time"].endswith(" times the model's own")
    assert float(lines["agreement"]) < 1e-5
    assert result.stdout.splitlines()[-1] == str(out)
    expected = Inspector(model).explain(x, "layercam", target="angle=30°", layer="relu")
    np.testing.assert_allclose(run(out, {"image": x})["heatmap"], expected.heatmap, rtol=0, atol=1e-5)


def test_json_and_a_class_input(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "explained.onnx"
    result = onnxlens("embed", model, "--out", out, "--class-input", "--target", "angle", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert (said["method"], said["layer"], said["class_input"]) == ("gradcam", "relu", True)
    assert said["target"] == "top class of angle"
    assert [each.name for each in Inspector(out).inputs] == ["image", "class"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--method", "kpcacam"), "looks for an eigenvector, so no file can hold it"),
        (("--method", "rise"), "method rise runs the model more than once"),
        (("--method", "gradcan"), "there is no method 'gradcan'"),
        (("--layer", "nowhere"), "nowhere"),
        (("--class-input", "--target", "angle=1"), "leaves none open"),
        (("--tokens", "4by4"), "says no token grid"),
    ],
)
def test_bad_usage_is_one_line(words: tuple[str, ...], message: str, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "explained.onnx"
    result = onnxlens("embed", model, "--out", out, *words)
    assert result.exit_code == 2
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    assert message in line
    assert not out.exists()


def test_it_needs_a_file_to_write(model: Path) -> None:
    result = onnxlens("embed", model)
    assert result.exit_code == 2
    assert "--out" in result.stderr


def test_a_model_that_explains_itself_can_be_explained(tmp_path: Path) -> None:
    """The further output is no hindrance to the other commands."""
    onnx.save(cnn(), tmp_path / "model.onnx")
    out = tmp_path / "explained.onnx"
    assert onnxlens("embed", tmp_path / "model.onnx", "--out", out).exit_code == 0
    before, after, x = Inspector(tmp_path / "model.onnx"), Inspector(out), images(2)
    assert after.default_layer().name == before.default_layer().name
    np.testing.assert_allclose(after.explain(x).heatmap, before.explain(x).heatmap, rtol=0, atol=1e-5)
    assert onnxlens("layers", out).exit_code == 0
    assert onnxlens("embed", out, "--out", tmp_path / "twice.onnx").exit_code == 2

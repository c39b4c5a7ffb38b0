from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
import torch
from click.testing import CliRunner, Result

from export.cli import export
from trainers.frameworks import get_framework
from trainers.models import get_spec
from trainers.runs import Run, create_run
from trainers.settings import Settings


def make_run(path: Path, model: str, framework: str) -> Run:
    """A run folder as training leaves it, with weights that were never trained."""
    spec, settings = get_spec(model), Settings()
    chosen = get_framework(framework)
    run = create_run(path, spec, chosen, settings, {"name": spec.dataset, "details": {}})
    learner = chosen.learner(spec, settings, "cpu")
    for which in ("best", "last"):
        learner.save_weights(run.checkpoint(which))
    run.write("metrics", {"accuracy": 0.25})
    return run.updated(status="finished", epochs=1)


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(export, [str(argument) for argument in arguments])


def metadata(path: Path) -> dict[str, object]:
    return {entry.key: json.loads(entry.value) for entry in onnx.load(path).metadata_props}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("runs") / "section2", "section2-line", "torch")


@pytest.mark.torch
def test_run_folder(run: Run) -> None:
    result = invoke(run.path)
    assert result.exit_code == 0, result.output
    path = run.path / "model.onnx"
    assert result.output.splitlines()[-1] == str(path)
    graph = onnx.load(path).graph
    names = ["length", "width", "angle", "colour", "conv", "relu", "batch_norm"]
    assert [output.name for output in graph.output] == names
    assert graph.input[0].name == "image"
    written = metadata(path)
    assert set(written) == {
        f"onnxlens.{k}" for k in ("labels", "layers", "input", "outputs", "framework", "training")
    }
    assert written["onnxlens.labels"] == run.info["labels"]
    assert written["onnxlens.input"] == run.info["input"]
    assert written["onnxlens.outputs"] == run.info["outputs"]
    assert written["onnxlens.layers"] == run.info["layers"]
    training = written["onnxlens.training"]
    assert isinstance(training, dict)
    assert {"dataset": "line", "seed": 0, "epochs": 1, "accuracy": 0.25}.items() <= training.items()


@pytest.mark.torch
def test_checkpoint_out_taps_and_json(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "new" / "last.onnx"
    result = invoke(run.checkpoint("last"), "--out", out, "--tap", "conv", "--opset", "17", "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.output)
    assert answer["path"] == str(out)
    assert answer["opset"] == onnx.load(out).opset_import[0].version == 17
    assert list(answer["outputs"]) == ["length", "width", "angle", "colour", "conv"]
    assert metadata(out)["onnxlens.layers"] == {"conv": "Convolution 2D"}


@pytest.mark.tensorflow
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_tensorflow_run_quietly(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", "section1-line", "tensorflow")
    result = invoke(run.path, "--quiet")
    assert result.exit_code == 0, result.output
    assert result.output == ""
    graph = onnx.load(run.path / "model.onnx").graph
    assert [output.name for output in graph.output] == ["logits", "conv", "relu", "batch_norm", "max_pool"]
    assert [d.dim_value for d in graph.output[1].type.tensor_type.shape.dim[1:]] == [32, 22, 22]


@pytest.mark.torch
def test_program_goes_beside_the_source(tmp_path: Path) -> None:
    source = tmp_path / "net.pt2"
    torch.export.save(torch.export.export(torch.nn.Linear(3, 2), (torch.zeros(4, 3),)), source)
    result = invoke(source)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "net.onnx").exists()


@pytest.mark.torch
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "does not exist"),
        ("weights.pt", "no architecture"),
        ("model.onnx", "needs no export"),
        ("folder", "is none of these"),
    ],
)
def test_sources_that_cannot_be_exported(tmp_path: Path, name: str, message: str) -> None:
    torch.save({}, tmp_path / "weights.pt")
    (tmp_path / "model.onnx").touch()
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.rglob("*"))
    result = invoke(tmp_path / name)
    assert getattr(result.exception, "exit_code", None) == 2
    assert message in str(result.exception)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.torch
def test_unknown_tap_and_opset(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "m.onnx"
    assert "Near matches: batch_norm" in str(invoke(run.path, "--tap", "batchnorm", "--out", out).exception)
    assert "opset 3" in str(invoke(run.path, "--opset", "3", "--out", out).exception)
    assert not list(tmp_path.iterdir())


@pytest.mark.torch
def test_folder_that_cannot_be_written(run: Run) -> None:
    result = invoke(run.path, "--out", "/proc/onnxlens.onnx")
    assert isinstance(result.exception, OSError)
    assert result.exception.filename == "/proc/onnxlens.onnx"

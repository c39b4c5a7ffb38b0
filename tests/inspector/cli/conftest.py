"""A small classifier written operator by operator, pictures for it, and the program to run them through."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner, Result
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from inspector.cli import main

Run = Callable[..., Result]


def tensor(name: str, array: np.ndarray) -> onnx.TensorProto:
    return numpy_helper.from_array(array.astype(np.float32), name)


def save(
    path: Path, nodes: list[onnx.NodeProto], weights: dict[str, np.ndarray], image: list[object], classes: int
) -> Path:
    """A model from `image` to `logits`."""
    graph = helper.make_graph(
        nodes, "tiny", [helper.make_tensor_value_info("image", TensorProto.FLOAT, image)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", classes])],
        [tensor(name, array) for name, array in weights.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    if len(image) == 4:
        metadata = {
            "labels": {"logits": ["red", "green", "blue", "nothing"]},
            "layers": {"conv": "Convolution 2D", "relu": "ReLU"},
            "input": {
                "layout": "NCHW",
                "range": [0, 1],
                "mean": [0],
                "std": [1],
                "channels": "RGB",
                "size": [12, 12],
            },
        }
        helper.set_model_props(
            model, {f"onnxlens.{key}": json.dumps(value) for key, value in metadata.items()}
        )
    onnx.save(model, path)
    return path


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Conv, ReLU, batch normalisation, max pooling, dense; the class `nothing` has no weights at all."""
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(200, 4))
    dense[:, 3] = 0
    nodes = [
        helper.make_node("Conv", ["image", "w", "b"], ["conv"], name="features/conv"),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("BatchNormalization", ["relu", "scale", "bias", "mean", "var"], ["batch_norm"]),
        helper.make_node("MaxPool", ["batch_norm"], ["max_pool"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["max_pool"], ["flat"]),
        helper.make_node("Gemm", ["flat", "dense", "dense_bias"], ["logits"]),
    ]
    weights = {
        "w": rng.normal(size=(8, 3, 3, 3)), "b": rng.normal(size=8), "scale": np.ones(8), "bias": rng.normal(size=8),
        "mean": rng.normal(size=8), "var": np.full(8, 0.5), "dense": dense, "dense_bias": np.array([0, 0, 0, -99.0]),
    }  # fmt: skip
    return save(tmp_path_factory.mktemp("model") / "tiny.onnx", nodes, weights, ["batch", 3, 12, 12], 4)


@pytest.fixture(scope="session")
def flat_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features in, three scores out: nothing spatial anywhere."""
    nodes = [
        helper.make_node("Gemm", ["image", "a"], ["hidden"]),
        helper.make_node("Tanh", ["hidden"], ["tanh"]),
        helper.make_node("Gemm", ["tanh", "c"], ["logits"]),
    ]
    rng = np.random.default_rng(0)
    weights = {"a": rng.normal(size=(5, 7)), "c": rng.normal(size=(7, 3))}
    return save(tmp_path_factory.mktemp("flat") / "flat.onnx", nodes, weights, ["batch", 5], 3)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A landscape larger than the model's input, and one of its own size."""
    folder = tmp_path_factory.mktemp("pictures")
    for name, size in {"p1.png": (40, 60, 3), "p2.png": (12, 12, 3)}.items():
        pixels = np.random.default_rng(len(name)).integers(0, 256, size, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return [folder / "p1.png", folder / "p2.png"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the program in an empty folder; the arguments are words."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return invoke


def error_line(result: Result, code: int = 2) -> str:
    """The one line of a failure, which came with this exit code and no traceback."""
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    lines = [line for line in result.stderr.splitlines() if not line.startswith("Note: ")]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("Error: ")
    return lines[0]

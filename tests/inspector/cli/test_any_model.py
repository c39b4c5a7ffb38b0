"""The commands on models of other shapes than a picture classifier's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from tests.inspector.cli.conftest import Run, error_line, tensor

RNG = np.random.default_rng(0)


def classifier(
    path: Path,
    image: list[Any],
    kernel: tuple[int, ...],
    kind: int = TensorProto.FLOAT,
    channel_last: bool = False,
    extra: int = 0,
) -> Path:
    """Convolution, ReLU, global mean, dense, softmax, on an input of any rank, layout and type."""
    nodes, source = [], "image"
    if kind != TensorProto.FLOAT:
        nodes.append(helper.make_node("Cast", [source], ["cast"], to=TensorProto.FLOAT))
        source = "cast"
    if channel_last:
        nodes.append(helper.make_node("Transpose", [source], ["first"], perm=[0, 3, 1, 2]))
        source = "first"
    nodes += [
        helper.make_node("Conv", [source, "w"], ["/net/conv:0"]),
        helper.make_node("Relu", ["/net/conv:0"], ["relu"]),
        helper.make_node("GlobalAveragePool", ["relu"], ["pool"]),
        helper.make_node("Flatten", ["pool"], ["flat"]),
    ]
    features = "flat"
    inputs = [helper.make_tensor_value_info("image", kind, image)]
    if extra:
        nodes.append(helper.make_node("Concat", ["flat", "extra"], ["joined"], axis=1))
        features = "joined"
        inputs.append(helper.make_tensor_value_info("extra", TensorProto.FLOAT, ["batch", extra]))
    nodes += [
        helper.make_node("Gemm", [features, "dense"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=-1),
    ]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 3])]
    weights = [tensor("w", RNG.normal(size=(6, *kernel))), tensor("dense", RNG.normal(size=(6 + extra, 3)))]
    graph = helper.make_graph(nodes, "any", inputs, outputs, weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


def photo(path: Path, height: int, width: int) -> Path:
    Image.fromarray(RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(path)
    return path


def explained(run: Run, *arguments: object) -> list[dict[str, Any]]:
    result = run("explain", *arguments, "--json")
    assert result.exit_code == 0, result.output
    records: list[dict[str, Any]] = json.loads(result.stdout)
    assert all(record["check"]["verdict"] == "passed" for record in records)
    return records


def test_pictures_of_their_own_size(run: Run, tmp_path: Path) -> None:
    model = classifier(tmp_path / "m.onnx", ["batch", 3, "height", "width"], (3, 5, 5))
    pictures = [photo(tmp_path / "a.png", 20, 30), photo(tmp_path / "b.png", 16, 16)]
    result = run("activations", model, *pictures)
    assert result.exit_code == 0, result.output
    assert "values from 0 to 1 are assumed" in result.stderr
    assert "keeps its own" in result.stderr
    # tensor names that no file system takes, and no map that is a single number
    assert [p.name for p in sorted(Path("activations").iterdir())] == [
        f"image-0{i}_layer-{layer}.png" for i in (1, 2) for layer in ("1-net-conv-0", "2-relu")
    ]
    for record, size in zip(explained(run, model, *pictures), [(30, 20), (16, 16)], strict=True):
        with Image.open(record["files"][1]) as overlay:
            assert overlay.size == size


def test_channel_last_pictures(run: Run, tmp_path: Path) -> None:
    model = classifier(tmp_path / "m.onnx", ["batch", 16, 20, 3], (3, 5, 5), channel_last=True)
    (record,) = explained(
        run, model, photo(tmp_path / "a.png", 40, 40), "--fit", "letterbox", "--preset", "signed"
    )
    with Image.open(record["files"][1]) as overlay:
        assert overlay.size == (40, 40)


def test_bytes_go_in_as_bytes(run: Run, tmp_path: Path) -> None:
    model = classifier(
        tmp_path / "m.onnx", ["batch", 16, 16, 3], (3, 5, 5), TensorProto.UINT8, channel_last=True
    )
    picture = photo(tmp_path / "a.png", 16, 16)
    result = run("activations", model, picture, "--layer", "image*", "--layer", "relu", "--npz")
    assert result.exit_code == 2, "an input is no layer"
    result = run("activations", model, picture)
    assert result.exit_code == 0, result.output
    assert "assumed" not in result.stderr
    (record,) = explained(run, model, picture, "--provider", "cpu", "--threads", "1")
    assert record["layer"] == "relu"


@pytest.mark.parametrize(
    ("image", "kernel", "array"),
    [
        (["batch", 2, 60], (2, 9), RNG.normal(size=(2, 60))),
        (["batch", 1, 6, 12, 12], (1, 3, 3, 3), RNG.normal(size=(1, 1, 6, 12, 12))),
    ],
)
def test_signals_and_volumes(
    run: Run, tmp_path: Path, image: list[Any], kernel: tuple[int, ...], array: Any
) -> None:
    model = classifier(tmp_path / "m.onnx", image, kernel)
    np.save("x.npy", array.astype(np.float32))
    assert len(explained(run, model, "x.npy")[0]["files"]) == 1
    for arguments in (["activations", model, "x.npy"], ["filters", model], ["check", model]):
        result = run(*arguments)
        assert result.exit_code == 0, result.output
    assert run("filters", model, "--mode", "maximize", "--steps", "2").exit_code == 0


def test_several_inputs_by_name(run: Run, tmp_path: Path) -> None:
    model = classifier(tmp_path / "m.onnx", ["batch", 3, 12, 12], (3, 5, 5), extra=2)
    np.savez("x.npz", image=RNG.random((2, 3, 12, 12)), extra=RNG.random((2, 2)))
    assert [record["image"] for record in explained(run, model, "x.npz")] == ["x-1", "x-2"]
    assert run("check", model).exit_code == 0
    result = run("explain", model, photo(tmp_path / "a.png", 12, 12))
    assert result.exit_code == 2
    assert "give a .npz" in result.stderr


def words(path: Path) -> Path:
    """The mean of embedded token ids, times weights: three classes."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["embedded"]),
        helper.make_node("ReduceMean", ["embedded", "one"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "w"], ["logits"]),
    ]
    weights = [
        tensor("table", RNG.normal(size=(9, 5)).astype(np.float32)),
        tensor("w", RNG.normal(size=(5, 3)).astype(np.float32)),
        onnx.numpy_helper.from_array(np.array([1]), "one"),
    ]
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["n", "t"])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 3])
    graph = helper.make_graph(nodes, "words", [ids], [logits], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    return path


def test_token_ids_are_explained_position_by_position(run: Run, tmp_path: Path) -> None:
    model, ids = words(tmp_path / "words.onnx"), tmp_path / "ids.npy"
    np.save(ids, np.array([[3, 1, 4, 1]]))
    (found,) = json.loads(
        run("explain", model, ids, "--method", "input-x-gradient", "--json", "--out", tmp_path / "why").output
    )
    assert found["method"] == "input-x-gradient"
    assert len(found["relevance"]) == 4
    # the same word weighs the same wherever it stands in a mean
    assert found["relevance"][1] == found["relevance"][3]
    assert found["check"]["verdict"] == "passed"
    assert found["notes"] == [
        "input 'ids' holds int64, which has no gradient: it is taken at 'embedded' (Gather), the first floating-point "
        "tensor after it"
    ]
    with Image.open(found["files"][0]) as figure:
        assert figure.size[0] > 300
    heading = run("check", model, ids).output.splitlines()[0]
    assert heading == "d (top class) / d (the first floating-point tensor after the input)"


def test_tokens_that_do_not_fit_are_refused(run: Run, tmp_path: Path) -> None:
    model = classifier(tmp_path / "net.onnx", ["batch", 3, 8, 8], (3, 3, 3))
    np.save(tmp_path / "x.npy", np.zeros((1, 3, 8, 8), np.float32))
    for tokens, message in (("5x5", "stands for 25 tokens"), ("five", "says no token grid")):
        assert message in error_line(run("explain", model, tmp_path / "x.npy", "--tokens", tokens))

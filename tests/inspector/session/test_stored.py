"""Built graphs: one for all classes, images and batch sizes of a process, and kept on the disk where that is asked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from inspector import Inspector
from inspector.errors import OutputError
from inspector.objectives import Evaluator
from inspector.session import cache_folder, stored


def model(seed: int = 0) -> onnx.ModelProto:
    random = np.random.default_rng(seed)
    weights = {"w": (8, 3, 3, 3), "m": (8, 4)}
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["features"], pads=[1] * 4, strides=[2, 2]),
            helper.make_node("Relu", ["features"], ["active"]),
            helper.make_node("GlobalAveragePool", ["active"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["flat"]),
            helper.make_node("MatMul", ["flat", "m"], ["logits"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 4])],
        [
            numpy_helper.from_array(random.standard_normal(size).astype(np.float32), n)
            for n, size in weights.items()
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """A list that grows by one entry with each graph that is built."""
    found: list[object] = []
    build = Evaluator._build_gradient_graph

    def counted(self: Evaluator, *question: object) -> object:
        found.append(question)
        return build(self, *question)  # type: ignore[arg-type]

    monkeypatch.setattr(Evaluator, "_build_gradient_graph", counted)
    return found


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((5, 3, 8, 8)).astype(np.float32)


def test_one_graph_and_one_session_for_all_classes_images_and_batch_sizes(
    built: list[object], x: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    lens = Inspector(model(), providers="cpu")
    lens.gradient(x[:1], 0)
    sessions: list[object] = []
    compiled = onnxruntime.InferenceSession

    def counted(*given: Any, **options: Any) -> onnxruntime.InferenceSession:
        sessions.append(given)
        return compiled(*given, **options)

    monkeypatch.setattr(onnxruntime, "InferenceSession", counted)
    for rows in (slice(1, 2), slice(0, 3), slice(0, 5)):
        for target in (1, 3, [0] * len(x[rows])):
            lens.gradient(x[rows], target)
    assert (len(built), len(sessions)) == (1, 0)


def test_the_next_process_finds_what_this_one_built(
    built: list[object], x: np.ndarray, tmp_path: Path
) -> None:
    first = Inspector(model(), providers="cpu", cache=tmp_path).gradient(x, 1)
    again = Inspector(model(), providers="cpu", cache=tmp_path).gradient(x, 1)
    assert len(built) == 1
    np.testing.assert_array_equal(again, first)
    np.testing.assert_array_equal(Inspector(model(), providers="cpu").gradient(x, 1), first)


def test_a_file_moved_is_the_same_model_and_one_trained_further_is_not(
    built: list[object], x: np.ndarray, tmp_path: Path
) -> None:
    for name, seed in (("one.onnx", 0), ("moved.onnx", 0), ("trained.onnx", 2)):
        onnx.save(model(seed), tmp_path / name)
        Inspector(tmp_path / name, providers="cpu", cache=tmp_path / "graphs").gradient(x, 1)
    assert len(built) == 2


def test_the_weights_of_the_model_are_not_written_again(x: np.ndarray, tmp_path: Path) -> None:
    proto = model()
    Inspector(proto, providers="cpu", cache=tmp_path).gradient(x, 1)
    (kept,) = tmp_path.glob("*.graph")
    weights = {tensor.name: tensor.raw_data for tensor in proto.graph.initializer}
    assert weights["w"] not in kept.read_bytes()
    assert weights["m"] not in kept.read_bytes()


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[:-7], lambda b: b[:40] + b"\x00" + b[41:]])
def test_a_damaged_file_is_built_anew(
    built: list[object], x: np.ndarray, tmp_path: Path, damage: object
) -> None:
    first = Inspector(model(), providers="cpu", cache=tmp_path).gradient(x, 1)
    (kept,) = tmp_path.glob("*.graph")
    whole = kept.read_bytes()
    kept.write_bytes(damage(whole))  # type: ignore[operator]
    np.testing.assert_array_equal(Inspector(model(), providers="cpu", cache=tmp_path).gradient(x, 1), first)
    assert len(built) == 2
    Inspector(model(), providers="cpu", cache=tmp_path).gradient(x, 1)
    assert len(built) == 2
    assert not list(tmp_path.glob(".*"))


def test_other_rules_are_not_kept(built: list[object], x: np.ndarray, tmp_path: Path) -> None:
    for _ in range(2):
        Inspector(model(), providers="cpu", cache=tmp_path).explain(x, "guided-backprop", 1)
    assert len(built) == 2
    assert not list(tmp_path.glob("*.graph"))


def test_the_oldest_go_where_there_is_no_room(
    built: list[object], x: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Inspector(model(), providers="cpu", cache=tmp_path).gradient(x, 1)
    (oldest,) = tmp_path.glob("*.graph")
    os.utime(oldest, (0, 0))
    monkeypatch.setattr(stored, "LARGEST", oldest.stat().st_size + 1)
    Inspector(model(2), providers="cpu", cache=tmp_path).gradient(x, 1)
    (newest,) = tmp_path.glob("*.graph")
    assert newest != oldest


def test_a_folder_that_cannot_be_written_to_is_named(x: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file/graphs.*ONNXLENS_CACHE"):
        Inspector(model(), providers="cpu", cache=tmp_path / "file" / "graphs").gradient(x, 1)


def test_where_graphs_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONNXLENS_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    users = tmp_path / "onnxlens" / "graphs"
    assert cache_folder(None) is None
    assert cache_folder(False) is None
    assert cache_folder(True) == users
    assert cache_folder("there") == Path("there")
    for said, folder in (("", None), ("0", None), ("1", users), ("/there", Path("/there"))):
        monkeypatch.setenv("ONNXLENS_CACHE", said)
        assert cache_folder(None) == folder
        assert cache_folder(False) is None

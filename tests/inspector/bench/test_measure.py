"""`bench` measures every setting asked for and says what it cannot. Nothing here looks at a clock."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from inspector.bench import Settings, bench
from inspector.errors import InspectorError, ModelNotFound
from inspector.images import random_feeds
from inspector.lens import Inspector
from inspector.session import Array

QUICK = {"rounds": 3, "seconds": 0.0}


def write(path: Path, batch: int | str, operator: str = "Relu") -> Path:
    """A picture (batch, 1, 6, 6) -> operator -> mean over places -> (batch, 4) logits."""
    weight = helper.make_tensor("w", TensorProto.FLOAT, [4, 1, 3, 3], np.linspace(-1, 1, 36))
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["conv"]),
            helper.make_node(operator, ["conv"], ["seen"]),
            helper.make_node("GlobalAveragePool", ["seen"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["logits"]),
        ],
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 1, 6, 6])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, 4])],
        [weight],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


def feeds(lens: Inspector) -> dict[str, Array]:
    return random_feeds(lens.inputs, lens.metadata)


def test_every_setting_and_work_has_a_row(tmp_path: Path) -> None:
    model = write(tmp_path / "m.onnx", "N")
    steps: list[tuple[int, int, str]] = []
    found = bench(
        model,
        feeds,
        Settings(["cpu"], [1, 2], [1, 3], **QUICK),
        lambda done, total, what: steps.append((done, total, what)),
    )
    assert [(row.batch, row.threads, row.work) for row in found.rows] == [
        (batch, threads, work)
        for batch in (1, 3)
        for threads in (1, 2)
        for work in ("forward", "activations", "gradient", "gradcam")
    ]
    assert steps == [(0, 2, "cpu, batch 1"), (1, 2, "cpu, batch 3")]
    for row in found.rows:
        assert 0 < row.milliseconds.low <= row.milliseconds.middle <= row.milliseconds.high
        assert row.per_second == pytest.approx(1000 * row.batch / row.milliseconds.middle)
        assert row.work != "forward" or row.ratio == (1, 1, 1)
    assert found.notes == ()


def test_a_fixed_batch_is_the_only_one_tried(tmp_path: Path) -> None:
    found = bench(write(tmp_path / "m.onnx", 2), feeds, Settings(["cpu"], [1], [5], **QUICK))
    assert {row.batch for row in found.rows} == {2}
    assert found.notes == ("the file takes batches of 2 only: others were not tried",)


def test_what_the_model_lacks_is_said(tmp_path: Path) -> None:
    # Floor has no derivative worth the name
    graph = helper.make_graph(
        [helper.make_node("Floor", ["x"], ["y"]), helper.make_node("ArgMax", ["y"], ["z"], axis=1)],
        "none",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4])],
        [helper.make_tensor_value_info("z", TensorProto.INT64, ["N", 1])],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9),
        tmp_path / "m.onnx",
    )
    found = bench(tmp_path / "m.onnx", feeds, Settings(["cpu"], [1], [1], **QUICK))
    assert {row.work for row in found.rows} == {"forward", "activations"}
    assert [note.partition(":")[0] for note in found.notes] == ["no gradient", "no gradcam"]


def test_bad_input_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound):
        bench(tmp_path / "none.onnx", feeds)
    with pytest.raises(InspectorError, match="no provider 'abacus'"):
        bench(write(tmp_path / "m.onnx", "N"), feeds, Settings(["abacus"]))

"""What is in the file: names, metadata, weights once; and that nothing of ours is needed to run it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from inspector import Inspector, __version__
from inspector.embed import writing
from inspector.embed.writing import write
from inspector.errors import InspectorError, ModelError, OutputError
from inspector.model import external
from tests.inspector.embed.running import agrees, run
from tests.inspector.graphs import cnn, images, model, multi_head, normal

X = images(3)

ALONE = """
import sys
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
x = np.load(sys.argv[2])
heatmap = session.run(["heatmap"], {"image": x, "class": np.full(len(x), -1)})[0]
np.save(sys.argv[3], heatmap)
assert not {"inspector", "onnx", "onnx_ir"} & set(sys.modules)
"""


def test_onnxruntime_and_numpy_are_all_it_needs(tmp_path: Path) -> None:
    lens = Inspector(cnn())
    lens.embed(tmp_path / "explained.onnx", class_input=True)
    np.save(tmp_path / "x.npy", X)
    files = [str(tmp_path / name) for name in ("explained.onnx", "x.npy", "heatmap.npy")]
    subprocess.run([sys.executable, "-I", "-c", ALONE, *files], check=True, cwd=tmp_path)
    heatmap = np.load(tmp_path / "heatmap.npy")
    np.testing.assert_allclose(heatmap, lens.explain(X).heatmap, rtol=0, atol=1e-5)


def test_what_the_file_says_of_itself(tmp_path: Path) -> None:
    proto = multi_head()
    proto.producer_name, proto.doc_string, proto.model_version = "a framework", "of lines", 7
    proto.metadata_props.add(key="author", value="somebody")
    path = tmp_path / "explained.onnx"
    made = Inspector(proto).embed(path, "layercam", target="angle=30°")
    written = onnx.load(path)
    assert (written.producer_name, written.doc_string, written.model_version) == (
        "a framework",
        "of lines",
        7,
    )
    said = {entry.key: entry.value for entry in written.metadata_props}
    assert said.items() >= {entry.key: entry.value for entry in proto.metadata_props}.items()
    assert json.loads(said["onnxlens.explanation"]) == {
        "method": "layercam",
        "layer": "relu",
        "target": "angle=30°",
        "class_input": False,
        "signed": False,
        "nodes_added": made.nodes_added,
        "version": __version__,
    }
    assert made.nodes == len(written.graph.node) == len(proto.graph.node) + made.nodes_added
    assert (made.bytes_before, made.bytes_after) == (proto.ByteSize(), path.stat().st_size)
    assert made.slowdown > 0
    assert made.agreement < 1e-5
    # the labels are still known
    assert Inspector(path).labels["angle"] == ("0°", "15°", "30°")


def test_inputs_and_outputs_are_declared(tmp_path: Path) -> None:
    path = tmp_path / "explained.onnx"
    Inspector(cnn()).embed(path, class_input=True)
    lens = Inspector(path)
    assert [(each.name, each.shape, each.dtype) for each in lens.inputs] == [
        ("image", ("batch", 3, 16, 16), "float32"),
        ("class", ("batch",), "int64"),
    ]
    assert [(each.name, each.shape, each.dtype) for each in lens.outputs] == [
        ("logits", ("batch", 10), "float32"),
        ("heatmap", ("batch", 16, 16), "float32"),
    ]
    graph = onnx.load(path).graph
    assert not {value.name for value in graph.input} & {tensor.name for tensor in graph.initializer}


def test_no_weight_is_there_twice(tmp_path: Path) -> None:
    """Saliency convolves with every kernel once more, flipped: groups, depth-wise, strides, dilations."""
    nodes = [
        helper.make_node("Conv", ["image", "plain"], ["c1"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "grouped"], ["c2"], group=4, dilations=[2, 2]),
        helper.make_node("Relu", ["c2"], ["r2"]),
        helper.make_node("Conv", ["r2", "depthwise"], ["c3"], group=128),
        helper.make_node("Conv", ["c3", "pointwise"], ["c4"]),
        helper.make_node("Relu", ["c4"], ["r4"]),
        helper.make_node("Conv", ["r4", "strided"], ["c5"], strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["c5"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["logits"]),
    ]
    weights = {
        "plain": normal(64, 3, 3, 3), "grouped": normal(128, 16, 3, 3), "depthwise": normal(128, 1, 5, 3),
        "pointwise": normal(40, 128, 1, 1), "strided": normal(9, 40, 3, 3),
    }  # fmt: skip
    proto = model(nodes, {"image": ["batch", 3, 20, 20]}, {"logits": ["batch", 9]}, weights)
    path = tmp_path / "explained.onnx"
    agrees(Inspector(proto), path, {"image": images(2, 20)}, "saliency")
    total = sum(array.size for array in weights.values())
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
    assert sum(array.size for array in held.values()) < 1.02 * total
    for name, array in weights.items():
        np.testing.assert_array_equal(held[name], array)


def test_a_method_that_reads_no_gradient_leaves_none_in_the_file(tmp_path: Path) -> None:
    made = Inspector(cnn()).embed(tmp_path / "explained.onnx", "fem")
    operators = [node.op_type for node in onnx.load(made.path).graph.node]
    assert "ScatterElements" not in operators


def test_the_model_is_in_the_file_once_however_often_it_is_pulled_back_through(tmp_path: Path) -> None:
    """Guided Grad-CAM takes two passes back, by different rules, and one forward."""

    def operators(method: str) -> list[str]:
        made = Inspector(cnn()).embed(tmp_path / "explained.onnx", method)
        return [node.op_type for node in onnx.load(made.path).graph.node]

    both, one = operators("guided-gradcam"), operators("guided-backprop")
    for operator in ("Conv", "BatchNormalization", "ArgMax"):
        assert both.count(operator) == one.count(operator)


def large(tmp_path: Path) -> Path:
    """A file whose weights count as large."""
    weights = {"conv.weight": normal(64, 3, 5, 5), "head": normal(64, 30, scale=1)}
    nodes = [
        helper.make_node("Conv", ["image", "conv.weight"], ["conv"]),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("GlobalAveragePool", ["relu"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "head"], ["logits"]),
    ]
    proto = model(nodes, {"image": ["batch", 3, 16, 16]}, {"logits": ["batch", 30]}, weights)
    onnx.save(proto, tmp_path / "large.onnx")
    return tmp_path / "large.onnx"


@pytest.mark.parametrize("method", ["gradcam", "saliency"])
def test_weights_left_on_the_disk_are_copied_into_the_one_file(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(external, "LARGE", 10_000)
    lens = Inspector(large(tmp_path))
    assert lens.model.bytes_on_disk > 10_000
    made = agrees(lens, tmp_path / "out" / "explained.onnx", {"image": X}, method)
    assert made.files == (made.path,)
    monkeypatch.undo()
    expected = onnx.load(tmp_path / "large.onnx").graph.initializer
    held = {tensor.name: tensor for tensor in onnx.load(made.path).graph.initializer}
    for tensor in expected:
        np.testing.assert_array_equal(numpy_helper.to_array(held[tensor.name]), numpy_helper.to_array(tensor))


def test_more_than_a_message_can_hold_stays_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(external, "LARGE", 10_000)
    monkeypatch.setattr(writing, "LARGEST", 20_000)
    lens = Inspector(large(tmp_path))
    made = agrees(lens, tmp_path / "out" / "explained.onnx", {"image": X})
    assert [file.name for file in made.files] == ["explained.onnx", "explained.onnx.data"]
    moved = tmp_path / "moved"
    (tmp_path / "out").rename(moved)
    heatmap = run(moved / "explained.onnx", {"image": X})["heatmap"]
    np.testing.assert_allclose(heatmap, lens.explain(X).heatmap, rtol=0, atol=1e-5)


def test_a_constant_in_a_node_that_lies_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external, "LARGE", 10_000)
    proto = onnx.load(large(tmp_path))
    (head,) = [tensor for tensor in proto.graph.initializer if tensor.name == "head"]
    proto.graph.initializer.remove(head)
    proto.graph.node.insert(0, helper.make_node("Constant", [], ["head"], value=head))
    onnx.save(proto, tmp_path / "large.onnx")
    agrees(Inspector(tmp_path / "large.onnx"), tmp_path / "explained.onnx", {"image": X})


def test_what_stood_there_stays_where_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external, "LARGE", 10_000)
    lens, path = Inspector(large(tmp_path)), tmp_path / "explained.onnx"
    path.write_bytes(b"before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "_bytes_of", full)
    with pytest.raises(OutputError, match="the disk is full"):
        lens.embed(path)
    assert path.read_bytes() == b"before"
    assert {file.name for file in tmp_path.iterdir()} == {"large.onnx", "explained.onnx"}


def test_a_message_in_memory_is_written_as_it_is(tmp_path: Path) -> None:
    (path,) = write(cnn(), tmp_path / "model.onnx")
    assert onnx.load(path) == cnn()


def test_a_file_that_explains_itself_is_not_embedded_again(tmp_path: Path) -> None:
    path = tmp_path / "explained.onnx"
    Inspector(cnn()).embed(path)
    with pytest.raises(ModelError, match="explains itself already"):
        Inspector(path).embed(tmp_path / "again.onnx")
    onnx.save(cnn(), tmp_path / "model.onnx")
    with pytest.raises(OutputError, match="is the model itself"):
        Inspector(tmp_path / "model.onnx").embed(tmp_path / "model.onnx")


def test_names_that_the_model_has_itself(tmp_path: Path) -> None:
    inner = cnn()
    for node in inner.graph.node:
        for names in (node.input, node.output):
            names[:] = [{"relu": "heatmap", "flat": "class"}.get(name, name) for name in names]
    agrees(Inspector(inner), tmp_path / "explained.onnx", {"image": X}, layer="heatmap", classes=[1, -1, 2])
    outer = cnn()
    outer.graph.node[-1].output[0] = outer.graph.output[0].name = "heatmap"
    with pytest.raises(ModelError, match="input or output 'heatmap' itself"):
        Inspector(outer).embed(tmp_path / "explained.onnx")


def test_a_method_that_no_file_can_hold(tmp_path: Path) -> None:
    with pytest.raises(
        InspectorError, match=r"rise runs the model more than once, .* a file can hold gradcam, "
    ):
        Inspector(cnn()).embed(tmp_path / "explained.onnx", "rise")
    with pytest.raises(InspectorError, match="there is no method 'magic'"):
        Inspector(cnn()).embed(tmp_path / "explained.onnx", "magic")
    assert not list(tmp_path.iterdir())


def test_a_wrong_heatmap_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted error: the maps are flipped before they are enlarged."""
    from inspector.embed import build

    right = build._Site.enlarged
    monkeypatch.setattr(
        build._Site, "enlarged", lambda site, maps, tensor: right(site, maps.transpose(0, 2, 1), tensor)
    )
    with pytest.raises(ModelError, match="it is not written"):
        Inspector(cnn()).embed(tmp_path / "explained.onnx")
    assert not list(tmp_path.iterdir())

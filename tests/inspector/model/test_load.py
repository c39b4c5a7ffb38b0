from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import helper, numpy_helper

from inspector import Inspector
from inspector.errors import ModelError, ModelNotFound
from inspector.model import load
from tests.inspector.graphs import cnn, cnn_weights, images, model


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    onnx.save(cnn(), path)
    return path


def test_every_kind_of_source_gives_the_same_layers(saved: Path) -> None:
    proto = cnn()
    expected = [layer.name for layer in load(proto).layers]
    for source in (saved, str(saved), saved.read_bytes(), ir.from_proto(proto)):
        assert [layer.name for layer in load(source).layers] == expected
    assert load(saved).path == saved


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"there is no file .*absent\.onnx") as caught:
        load(tmp_path / "absent.onnx")
    assert isinstance(caught.value, FileNotFoundError)


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is a folder"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\x80\x02}q\x00", "Python pickle"),
        (b"PK\x03\x04rest", "PyTorch checkpoint.*onnxlens export"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"<!DOCTYPE html>", "text file"),
        (b"\x89PNG\r\n", "a picture"),
        (bytes(range(7, 200)), "not an ONNX model"),
        (b"hello there, this is a text", "not an ONNX model"),
    ],
)
def test_what_is_no_onnx_file_is_refused_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=said) as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_a_file_cut_short_is_refused(saved: Path) -> None:
    whole = saved.read_bytes()
    for length in (3, len(whole) // 2, len(whole) - 1):
        with pytest.raises(ModelError, match="cut short"):
            load(whole[:length])


def test_something_else_than_a_model_is_refused() -> None:
    with pytest.raises(ModelError, match="not list"):
        load([1, 2])  # type: ignore[arg-type]


def test_a_graph_with_a_dangling_tensor_is_refused() -> None:
    proto = model([helper.make_node("Relu", ["nowhere"], ["y"])], {"x": ["n", 3]}, {"y": ["n", 3]})
    with pytest.raises(ModelError, match=r"nothing computes 'nowhere'"):
        _ = load(proto).graph


def save_external(folder: Path, location: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.onnx"
    onnx.save(cnn(), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    proto = onnx.load(path, load_external_data=False)
    for tensor in proto.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    path.write_bytes(proto.SerializeToString())
    return path


def test_external_data_beside_the_model_is_read(tmp_path: Path) -> None:
    path = save_external(tmp_path, "weights.bin")
    np.testing.assert_array_equal(Inspector(path).kernels("conv"), cnn_weights()["conv.weight"])


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/hostname", "deeper/../../weights.bin"])
def test_external_data_outside_the_folder_is_refused(tmp_path: Path, location: str) -> None:
    path = save_external(tmp_path / "folder", location)
    (tmp_path / "weights.bin").write_bytes(bytes(100_000))
    with pytest.raises(ModelError, match="outside its own folder: refused"):
        load(path)


def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    path = save_external(tmp_path / "folder", "link.bin")
    (tmp_path / "secret.bin").write_bytes(bytes(100_000))
    (tmp_path / "folder" / "link.bin").symlink_to(tmp_path / "secret.bin")
    with pytest.raises(ModelError, match="outside its own folder: refused"):
        load(path)


def test_missing_external_data_is_said(tmp_path: Path) -> None:
    path = save_external(tmp_path, "gone.bin")
    with pytest.raises(ModelError, match=r"'gone\.bin', which is missing"):
        load(path)


def test_external_data_cut_short_is_said(tmp_path: Path) -> None:
    path = save_external(tmp_path, "weights.bin")
    (tmp_path / "weights.bin").write_bytes(bytes(10))
    with pytest.raises(ModelError):
        load(path).require_finite_weights()


def test_bytes_with_external_data_need_the_path(tmp_path: Path) -> None:
    path = save_external(tmp_path, "weights.bin")
    with pytest.raises(ModelError, match="give the path"):
        load(path.read_bytes())


@pytest.mark.parametrize(("value", "said"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_broken_weights_are_named_where_gradients_are_asked_for(value: float, said: str) -> None:
    weights = cnn_weights()
    weights["fc.weight"][3, 5] = value
    lens = Inspector(cnn(weights=weights))
    with pytest.raises(ModelError, match=rf"'fc\.weight' contain {said}"):
        lens.gradient(images())
    # activations can still be looked at: that is how one finds out
    assert np.isfinite(lens.activations(images(), layers=["conv"])["conv"]).all()


def test_a_mask_of_minus_infinity_is_no_broken_weight() -> None:
    mask = np.array([[0, -np.inf, 0]], dtype=np.float32)
    nodes = [
        helper.make_node("Add", ["x", "mask"], ["masked"]),
        helper.make_node("Softmax", ["masked"], ["y"]),
    ]
    load(model(nodes, {"x": ["n", 3]}, {"y": ["n", 3]}, {"mask": mask})).require_finite_weights()


def test_initializers_listed_as_inputs_are_not_asked_for() -> None:
    proto = cnn()
    proto.ir_version = 3
    for tensor in proto.graph.initializer:
        proto.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    lens = Inspector(proto)
    assert [tensor.name for tensor in lens.inputs] == ["image"]
    expected = Inspector(cnn()).gradient(images())
    np.testing.assert_allclose(lens.gradient(images()), expected, rtol=1e-5, atol=1e-7)


def test_weights_in_constant_nodes_are_weights() -> None:
    proto = cnn()
    constants = [
        helper.make_node(
            "Constant", [], [tensor.name], value=numpy_helper.from_array(numpy_helper.to_array(tensor))
        )
        for tensor in proto.graph.initializer
    ]
    nodes = [*constants, *proto.graph.node]
    del proto.graph.initializer[:]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    lens = Inspector(proto)
    assert lens.resolve_layer("conv").parameters == 4 * 3 * 9 + 4
    np.testing.assert_array_equal(lens.kernels("conv"), cnn_weights()["conv.weight"])
    np.testing.assert_allclose(
        lens.gradient(images()), Inspector(cnn()).gradient(images()), rtol=1e-5, atol=1e-7
    )


def test_nodes_out_of_order_are_sorted() -> None:
    proto = cnn()
    nodes = list(proto.graph.node)[::-1]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    assert [layer.name for layer in load(proto).layers][:2] == ["conv", "relu"]


def test_functions_are_looked_into() -> None:
    body = helper.make_function(
        "local",
        "Block",
        ["a"],
        ["b"],
        [helper.make_node("Relu", ["a"], ["inner"]), helper.make_node("Neg", ["inner"], ["b"])],
        [helper.make_opsetid("", 18)],
    )
    graph = helper.make_graph(
        [helper.make_node("Block", ["x"], ["y"], domain="local", name="block")],
        "graph",
        [helper.make_tensor_value_info("x", 1, ["n", 2])],
        [helper.make_tensor_value_info("y", 1, ["n", 2])],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("local", 1)]
    proto = helper.make_model(graph, functions=[body], opset_imports=opsets, ir_version=8)
    lens = Inspector(proto)
    assert [layer.op_type for layer in lens.layers()] == ["Relu", "Neg"]
    x = np.array([[-1.0, 2.0]], dtype=np.float32)
    np.testing.assert_array_equal(lens.gradient(x, target="y[1]"), [[0, -1]])
    assert lens.check(x, target="y[1]").passed

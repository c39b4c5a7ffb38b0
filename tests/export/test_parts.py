"""The framework-neutral parts: metadata, comparison, opset 17, outputs of a marked graph."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import onnx_ir as ir
import onnxruntime as ort
import pytest

from export.downgrade import to_opset_17
from export.errors import ExportError
from export.markers import place_outputs
from export.metadata import encode_metadata, layer_kind
from export.opsets import ir_version_for, newest_opset
from export.taps import OUTPUT, Key
from export.verify import compare


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Conv2d", "Convolution 2D"),
        ("Conv2D", "Convolution 2D"),
        ("Conv2DTranspose", "Transposed Convolution 2D"),
        ("ConvTranspose2d", "Transposed Convolution 2D"),
        ("BatchNorm2d", "Batch Normalization"),
        ("BatchNormalization", "Batch Normalization"),
        ("MaxPooling2D", "Max Pooling 2D"),
        ("MaxPool2d", "Max Pooling 2D"),
        ("ReLU", "ReLU"),
        ("MultiHeadAttention", "Multi Head Attention"),
        ("LSTM", "LSTM"),
    ],
)
def test_layer_kinds(name: str, kind: str) -> None:
    assert layer_kind(name) == kind


def test_metadata_round_trip() -> None:
    given = {"labels": {"y": ["a", "ü"]}, "onnxlens.training": {"seed": 0}, "layers": {"conv": "Mine"}}
    encoded = encode_metadata(
        given, {"name": "torch", "version": "2"}, {"conv": "Convolution 2D", "relu": "ReLU"}
    )
    assert {key: json.loads(value) for key, value in encoded.items()} == {
        "onnxlens.labels": {"y": ["a", "ü"]},
        "onnxlens.training": {"seed": 0},
        "onnxlens.layers": {"conv": "Mine", "relu": "ReLU"},
        "onnxlens.framework": {"name": "torch", "version": "2"},
    }


@pytest.mark.parametrize("bad", [{"a": object()}, {"a": float("nan")}, {1: "a"}, {"layers": ["conv"]}])
def test_metadata_that_json_cannot_hold(bad: dict[Any, Any]) -> None:
    with pytest.raises(ExportError, match="metadata"):
        encode_metadata(bad, {}, {})


def test_compare() -> None:
    want = np.array([1.0, -100.0], np.float32)
    assert compare({"y": want}, {"y": want + np.float32(5e-4)})["y"] == pytest.approx(5e-6, rel=0.1)
    with pytest.raises(ExportError, match="'y' differs"):
        compare({"y": want}, {"y": want + np.float32(5e-3)})
    with pytest.raises(ExportError, match="'y' differs"):
        compare({"y": np.array([1])}, {"y": np.array([2])})
    with pytest.raises(ExportError, match="shape"):
        compare({"y": want}, {"y": want[:1]})
    with pytest.raises(ExportError, match="not finite"):
        compare({"y": want * np.nan}, {"y": want * np.nan})
    with pytest.raises(ExportError, match="differs"):
        compare({"y": want}, {"y": np.array([np.nan, -100], np.float32)})
    assert compare({"y": np.array([np.inf, 1])}, {"y": np.array([np.inf, 1])}) == {"y": 0}
    half = np.array([1.0], np.float16)
    assert compare({"y": half}, {"y": half + np.float16(2e-3)})["y"] < 3e-3


def test_newest_opset_is_loaded_by_the_runtime() -> None:
    assert newest_opset() >= 21
    assert ir_version_for(17) == ir_version_for(18) == 8


def tensor(name: str, *shape: int | str) -> ir.Value:
    return ir.Value(name=name, shape=ir.Shape(shape), type=ir.TensorType(ir.DataType.FLOAT))


def marker(value: ir.Value, key: Key) -> ir.Node:
    return ir.node("Tap", [value], {"name": key.encode()}, domain="onnxlens")


def model_of(inputs: list[ir.Value], nodes: list[ir.Node], outputs: list[ir.Value]) -> ir.Model:
    graph = ir.Graph(inputs, outputs, nodes=nodes, opset_imports={"": 18, "onnxlens": 1}, name="g")
    return ir.Model(graph, ir_version=8)


def test_markers_leave_names_on_the_path() -> None:
    x = tensor("x", "n", 3)
    first = ir.node("Relu", [x])
    tap_a = marker(first.outputs[0], Key("a", 0, 0))
    tap_b = marker(tap_a.outputs[0], Key("b", 0, 0))  # a module within a module returns the same tensor
    unwanted = marker(tap_b.outputs[0], Key("c", 1, 0))
    last = ir.node("Neg", [unwanted.outputs[0]])
    own = marker(last.outputs[0], Key(OUTPUT, 0, 0))
    same = marker(tap_b.outputs[0], Key(OUTPUT, 0, 1))
    nodes = [first, tap_a, tap_b, unwanted, last, own, same]
    model = model_of([x], nodes, [own.outputs[0], same.outputs[0]])
    names = place_outputs(model, ["y", "z"], {"b": Key("b", 0, 0), "a": Key("a", 0, 0)})
    assert names == ["y", "z", "b", "a"] == [value.name for value in model.graph.outputs]
    edges = [
        (node.op_type, node.inputs[0].name, node.outputs[0].name) for node in model.graph if node.inputs[0]
    ]
    assert edges == [("Relu", "x", "a"), ("Identity", "a", "b"), ("Neg", "b", "y"), ("Identity", "b", "z")]


def test_names_in_the_way() -> None:
    x = tensor("x", "n", 3)
    inner = ir.node("Relu", [x])
    inner.outputs[0].name = "relu"
    outer = ir.node("Neg", [inner.outputs[0]])
    tap = marker(outer.outputs[0], Key("relu", 0, 0))
    own = marker(tap.outputs[0], Key(OUTPUT, 0, 0))
    model = model_of([x], [inner, outer, tap, own], [own.outputs[0]])
    place_outputs(model, ["y"], {"relu": Key("relu", 0, 0)})
    assert outer.outputs[0].name == "relu"
    assert inner.outputs[0].name == "relu__value"
    again = marker(x, Key(OUTPUT, 0, 0))
    with pytest.raises(ExportError, match="input_names"):
        place_outputs(model_of([tensor("x", "n")], [again], [again.outputs[0]]), ["x"], {})


def test_tap_on_a_side_branch_is_refused() -> None:
    x = tensor("x", "n", 3)
    side = ir.node("Relu", [x])
    tap = marker(side.outputs[0], Key("side", 0, 0))
    shape = ir.node("Shape", [tap.outputs[0]])
    last = ir.node("Reshape", [x, shape.outputs[0]])
    own = marker(last.outputs[0], Key(OUTPUT, 0, 0))
    model = model_of([x], [side, tap, shape, last, own], [own.outputs[0]])
    with pytest.raises(ExportError, match="do not depend on 'side'"):
        place_outputs(model, ["y"], {"side": Key("side", 0, 0)})


def _const(graph_nodes: list[ir.Node], values: list[int]) -> ir.Value:
    node = ir.node("Constant", [], {"value": ir.tensor(np.array(values, np.int64))})
    graph_nodes.append(node)
    return node.outputs[0]


def _cases() -> list[Any]:
    def reduce(nodes: list[ir.Node], x: ir.Value) -> ir.Node:
        return ir.node("ReduceMean", [x, _const(nodes, [1, -1])], {"keepdims": 0})

    def reduce_all(nodes: list[ir.Node], x: ir.Value) -> ir.Node:
        return ir.node("ReduceMax", [x], {"noop_with_empty_axes": 0})

    def pad(nodes: list[ir.Node], x: ir.Value) -> ir.Node:
        return ir.node(
            "Pad", [x, _const(nodes, [1, 2, 0, 1]), None, _const(nodes, [-1, 1])], {"mode": "reflect"}
        )

    def split(nodes: list[ir.Node], x: ir.Value) -> ir.Node:
        return ir.node("Split", [x], {"axis": 2, "num_outputs": 2}, num_outputs=2)

    def resize(nodes: list[ir.Node], x: ir.Value) -> ir.Node:
        sizes = _const(nodes, [2, 3, 8])
        options: dict[str, Any] = {"mode": "nearest", "antialias": 0, "keep_aspect_ratio_policy": "stretch"}
        return ir.node("Resize", [x, None, None, sizes], options)

    return [reduce, reduce_all, pad, split, resize]


@pytest.mark.parametrize("case", _cases(), ids=lambda case: case.__name__)
def test_opset_17_means_the_same(case: Any) -> None:
    def build() -> ir.Model:
        x, nodes = tensor("x", 2, 3, 4), list[ir.Node]()
        node = case(nodes, x)
        node.outputs[0].name = "y"
        node.outputs[0].dtype = ir.DataType.FLOAT
        return model_of([x], [*nodes, node], [node.outputs[0]])

    def run(model: ir.Model) -> Any:
        model.opset_imports.pop("onnxlens")
        data = ir.to_proto(model).SerializeToString()
        x = np.random.default_rng(0).standard_normal((2, 3, 4)).astype(np.float32)
        return ort.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]

    older = build()
    to_opset_17(older)
    assert older.opset_imports[""] == 17
    np.testing.assert_array_equal(run(build()), run(older))


@pytest.mark.parametrize(
    ("operator", "attributes", "message"),
    [
        ("Mish", {}, "Mish"),
        ("Split", {"axis": 2, "num_outputs": 3}, "equal"),
        ("Resize", {"antialias": 1}, "antialias"),
        ("ScatterND", {"reduction": "max"}, "reduction max"),
        ("ReduceMean", {"noop_with_empty_axes": 1}, "no axis"),
    ],
)
def test_what_opset_17_cannot_express(operator: str, attributes: dict[str, Any], message: str) -> None:
    x = tensor("x", 2, 3, 4)
    node = ir.node(operator, [x], attributes)
    with pytest.raises(ExportError, match=message):
        to_opset_17(model_of([x], [node], [node.outputs[0]]))


def test_importing_export_imports_no_framework() -> None:
    heavy = {"torch", "tensorflow", "onnx", "onnxruntime", "trainers"}
    code = f"import sys, export, export.cli; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

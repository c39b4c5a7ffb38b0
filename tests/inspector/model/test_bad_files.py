"""Files that are no model, or a broken one: one line each, that says what is wrong."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from inspector import Inspector
from inspector.errors import LayerNotFound, ModelError
from inspector.model import load
from tests.inspector.graphs import cnn, images
from tests.inspector.model.awkward import BUILDERS, text


def edited(change: Callable[[onnx.ModelProto], object]) -> onnx.ModelProto:
    proto = cnn()
    change(proto)
    return proto


def set_external(proto: onnx.ModelProto, **entries: str) -> None:
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)


def drop_bytes(proto: onnx.ModelProto) -> None:
    tensor = proto.graph.initializer[0]
    tensor.raw_data = tensor.raw_data[:-4]


RECURSIVE = '<domain: "local", opset_import: ["" : 18, "local" : 1]> f (a) => (b) { b = local.f(a) }'
BROKEN = {
    "a circle": (
        lambda: text("g (float[n,3] x) => (float[n,3] y) { a = Add(x, b) b = Neg(a) y = Relu(b) }"),
        r"computed from themselves \((a -> b -> a|b -> a -> b)\)",
    ),
    "a tensor computed twice": (
        lambda: text("g (float[n,3] x) => (float[n,3] y) { y = Relu(x) y = Neg(x) }"),
        "'y' is redeclared",
    ),
    "an output that nobody computes": (
        lambda: text("g (float[n,3] x) => (float[n,3] y) { z = Relu(x) }"),
        "nothing computes its output 'y'",
    ),
    "a weight that is not there": (
        lambda: edited(lambda proto: proto.graph.initializer.pop(0)),
        "nothing computes 'conv.weight', which node 'Conv' reads",
    ),
    "a weight with too few numbers": (
        lambda: edited(drop_bytes),
        r"'conv.weight' of shape \[4, 3, 3, 3\] take 432 bytes, but 428 are there",
    ),
    "a weight of no type": (
        lambda: edited(lambda proto: setattr(proto.graph.initializer[0], "data_type", 0)),
        "'conv.weight' have no valid type or shape",
    ),
    "a weight of negative size": (
        lambda: edited(lambda proto: proto.graph.initializer[0].dims.insert(0, -4)),
        "'conv.weight' have no valid type or shape",
    ),
    "a function that calls itself": (
        lambda: text(
            "g (float[n,3] x) => (float[n,3] y) { y = local.f(x) }",
            '"" : 18, "local" : 1',
            functions=RECURSIVE,
        ),
        "between functions: local::f -> local::f",
    ),
}


@pytest.mark.parametrize(("build", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_graph_is_told_in_one_line(
    build: Callable[[], onnx.ModelProto], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        _ = load(build()).graph
    assert "\n" not in str(caught.value)
    assert not caplog.records


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"location": "gone.bin"}, "'gone.bin', which is missing"),
        (
            {"location": "short.bin", "offset": "4"},
            "end at byte 436 of 'short.bin', which has 8: it is cut short",
        ),
        ({"location": "short.bin", "length": "4"}, "cut short"),
        ({"location": "short.bin", "offset": "x4"}, "no place that there can be"),
        ({"location": "short.bin", "offset": "-4"}, "no place that there can be"),
        ({}, "outside its own folder"),
        ({"location": "."}, "which is missing"),
    ],
)
def test_external_weights_that_are_not_there(tmp_path: Path, entries: dict[str, str], said: str) -> None:
    (tmp_path / "short.bin").write_bytes(b"12345678")
    path = tmp_path / "model.onnx"
    path.write_bytes(edited(lambda proto: set_external(proto, **entries)).SerializeToString())
    with pytest.raises(ModelError, match=said):
        load(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(cnn().SerializeToString()), "gunzip"),
        (b"GGUF\x03\0\0\0", "GGUF"),
        (b'\x40\0\0\0\0\0\0\0{"a":1}', "safetensors"),
        (np.random.default_rng(0).bytes(5000), "damaged"),
    ],
)
def test_other_formats_are_recognised(content: bytes, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        load(content)


REFUSED = {
    "a newer opset": (
        edited(lambda proto: setattr(proto.opset_import[0], "version", 99)),
        "opset 99 of ai.onnx, this onnxruntime knows them up to [0-9]+: install a newer",
    ),
    "a newer IR": (edited(lambda proto: setattr(proto, "ir_version", 99)), "IR version 99, this onnxruntime"),
    "an operator of an unknown domain": (
        text(
            "g (float[n,3,16,16] x) => (float[n,3,16,16] y) { h = my.company.Magic(x) y = Relu(h) }",
            '"" : 18, "my.company" : 1',
        ),
        "does not know the operator my.company:Magic",
    ),
    "an operator that does not exist": (
        text("g (float[n,3,16,16] x) => (float[n,3,16,16] y) { y = Foo(x) }"),
        "no operator Foo in opset 18",
    ),
    "shapes that do not fit": (
        text(
            "g (float[n,3,16,16] x) => (float[n,3,16,16] y) <float[4] w = {1.0, 2.0, 3.0, 4.0}> { y = Add(x, w) }"
        ),
        "Incompatible dimensions",
    ),
}


@pytest.mark.parametrize(("proto", "said"), REFUSED.values(), ids=REFUSED)
def test_what_the_runtime_refuses_is_listed_but_not_run(proto: onnx.ModelProto, said: str) -> None:
    lens = Inspector(proto)
    assert lens.layers()
    with pytest.raises(ModelError, match=f"^onnxruntime cannot load the model: .*{said}") as caught:
        lens.run(images(1))
    assert "\n" not in str(caught.value)
    assert "/onnxruntime_src" not in str(caught.value)


def test_a_tensor_in_a_body_has_no_activation_and_no_gradient() -> None:
    proto, feeds = BUILDERS["loop"]()
    lens = Inspector(proto)
    reasons = {layer.name: layer.reason for layer in lens.layers(plumbing=True)}
    assert reasons["t"] == "inside the body of Loop 'Loop_2': it has a value per iteration"
    assert reasons["y"] is None
    assert lens.model.layers[2].name == "y"
    with pytest.raises(LayerNotFound, match="'t' has no activation: it is inside the body of Loop"):
        lens.activations(feeds, layers="t")
    with pytest.raises(LayerNotFound, match="at 't': it is inside the body of Loop"):
        lens.gradient(feeds, "y[0]", wrt="t")


def test_a_target_that_no_input_reaches_has_a_gradient_of_zero() -> None:
    lens = Inspector(
        text(
            """g (float[n,3] x) => (float[n,3] y, float[1,4] k) {
                y = Relu(x)  c = Constant<value = float[1,4] {1.0, 2.0, 3.0, 4.0}>()  k = Neg(c)
            }"""
        )
    )
    x = np.ones((1, 3), np.float32)
    np.testing.assert_array_equal(lens.gradient(x, "k[2]"), np.zeros((1, 3)))
    check = lens.check(x, "k[2]")
    assert not check.passed

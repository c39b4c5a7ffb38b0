from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest
import tensorflow as tf
from keras import layers

from export import ExportError, export_keras
from export.opsets import newest_opset
from tests.export.cutting import changed_by, run

pytestmark = pytest.mark.tensorflow

TAPS = ["conv", "relu", "batch_norm", "max_pool"]


def settle(model: Any, seed: int = 0) -> Any:
    """Weights and moving statistics that are not the trivial ones."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        low = 0.5 if "variance" in weight.name else -0.5
        weight.assign(rng.uniform(low, low + 1, weight.shape))
    return model


def small() -> Any:
    image = keras.Input((10, 9, 3), name="image")
    x = layers.Conv2D(4, 3, name="conv")(image)
    x = layers.ReLU(name="relu")(x)
    x = layers.BatchNormalization(name="batch_norm")(x)
    x = layers.MaxPooling2D(name="max_pool")(x)
    return settle(keras.Model(image, layers.Dense(5, name="logits")(layers.Flatten()(x))))


def image(batch: int = 2) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(3).standard_normal((batch, 10, 9, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path, dict[str, float]]:
    model, path = small(), tmp_path_factory.mktemp("keras") / "small.onnx"
    return model, path, export_keras(model, path, TAPS)


def test_outputs_are_own_then_taps_as_given(exported: tuple[Any, Path, dict[str, float]]) -> None:
    _, path, errors = exported
    graph = onnx.load(path).graph
    assert [output.name for output in graph.output] == ["logits", *TAPS] == list(errors)
    assert max(errors.values()) < 1e-5
    shapes = {v.name: v.type.tensor_type.shape.dim for v in [*graph.input, *graph.output]}
    assert {name: dims[0].dim_param for name, dims in shapes.items()} == dict.fromkeys(shapes, "batch")
    assert [d.dim_value for d in shapes["image"][1:]] == [10, 9, 3]
    assert [d.dim_value for d in shapes["max_pool"][1:]] == [4, 4, 3]


def test_graph_is_the_clean_form(exported: tuple[Any, Path, dict[str, float]]) -> None:
    nodes = onnx.load(exported[1]).graph.node
    assert [node.op_type for node in nodes] == [
        "Transpose",
        "Conv",
        "Relu",
        "Mul",
        "Add",
        "MaxPool",
        "Transpose",
        "Reshape",
        "MatMul",
        "Add",
    ]
    assert [nodes[i].output[0] for i in (1, 2, 4, 5)] == TAPS


@pytest.mark.parametrize("batch", [1, 5])
def test_values_are_keras_s_at_any_batch(exported: tuple[Any, Path, dict[str, float]], batch: int) -> None:
    model, path, _ = exported
    x = image(batch)
    want = keras.Model(model.input, [model.output, *(model.get_layer(tap).output for tap in TAPS)])(x)
    have = run(path, {"image": x})
    np.testing.assert_allclose(have["logits"], want[0].numpy(), atol=1e-5 * float(np.abs(want[0]).max()))
    for tap, value in zip(TAPS, want[1:], strict=True):
        first = value.numpy().transpose(0, 3, 1, 2)
        np.testing.assert_allclose(have[tap], first, atol=1e-5 * float(np.abs(first).max()), err_msg=tap)


def test_each_tap_is_on_the_path(exported: tuple[Any, Path, dict[str, float]]) -> None:
    for i, tap in enumerate(TAPS):
        assert changed_by(exported[1], {"image": image()}, tap) == {"logits", *TAPS[i + 1 :]}


def test_the_model_is_left_as_it_was(exported: tuple[Any, Path, dict[str, float]]) -> None:
    model = exported[0]
    assert all("call" not in vars(model.get_layer(tap)) for tap in TAPS)


@pytest.mark.parametrize("opset", [17, newest_opset()])
def test_opsets(tmp_path: Path, opset: int) -> None:
    path = tmp_path / "m.onnx"
    errors = export_keras(small(), path, TAPS, opset=opset)
    model = onnx.load(path)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", opset)]
    assert model.ir_version == onnx.helper.find_min_ir_version_for(model.opset_import)
    assert max(errors.values()) < 1e-5


def test_nested_shared_separable_and_residual_layers(tmp_path: Path) -> None:
    inner = keras.Sequential(
        [
            keras.Input((8, 8, 4)),
            layers.SeparableConv2D(4, 3, padding="same", name="separable"),
            layers.DepthwiseConv2D(3, padding="same", activation="relu", name="depthwise"),
        ],
        name="inner",
    )
    shared = layers.Conv2D(4, 3, padding="same", name="shared")
    left = keras.Input((8, 8, 4), name="left")
    right = keras.Input((8, 8, 4), name="right")
    x = layers.Add(name="add")([inner(left), shared(shared(right))])
    x = layers.Conv2DTranspose(3, 2, strides=2, name="up")(layers.Activation("gelu", name="gelu")(x))
    pooled = layers.GlobalAveragePooling2D(name="pooled")(x)
    outputs = {"zebra": layers.Dense(3, name="dense")(pooled), "apple": x}
    model = settle(keras.Model([left, right], outputs))
    path = tmp_path / "m.onnx"
    taps = ["shared", "separable", "inner/depthwise", "inner", "add", "gelu", "pooled", "up"]
    errors = export_keras(model, path, taps)
    names = ["zebra", "apple", "shared.0", "shared.1", *taps[1:]]
    graph = onnx.load(path).graph
    assert [output.name for output in graph.output] == names == list(errors)
    assert [value.name for value in graph.input] == ["left", "right"]
    rng = np.random.default_rng(0)
    feed = {name: rng.standard_normal((2, 8, 8, 4)).astype(np.float32) for name in ("left", "right")}
    have = run(path, feed)
    assert have["apple"].shape == (2, 16, 16, 3)  # the model's own: as Keras has it
    assert have["up"].shape == (2, 3, 16, 16)
    last = {"zebra", "apple", "up", "pooled"}
    for tap, after in {
        "shared.0": {"shared.1", "add", "gelu", *last},
        "separable": {"inner/depthwise", "inner", "add", "gelu", *last},
        "inner": {"add", "gelu", *last},
        "gelu": last,
        "up": {"zebra", "apple", "pooled"},
        "pooled": {"zebra"},
    }.items():
        assert changed_by(path, feed, tap) == after, tap


def test_sequences_attention_and_whole_numbers(tmp_path: Path) -> None:
    ids = keras.Input((6,), dtype="int32", name="ids")
    x = layers.Embedding(9, 8, name="embed")(ids)
    x = x + layers.MultiHeadAttention(2, 4, name="attention")(x, x)
    x = layers.LayerNormalization(name="norm")(x)
    x = layers.Conv1D(5, 3, name="conv1d")(x)
    model = settle(keras.Model(ids, layers.Dense(2, name="out")(layers.GlobalMaxPooling1D()(x))))
    path = tmp_path / "m.onnx"
    export_keras(model, path, ["embed", "attention", "norm", "conv1d"])
    feed = {"ids": np.random.default_rng(0).integers(0, 9, (3, 6)).astype(np.int32)}
    have = run(path, feed)
    assert have["attention"].shape == (3, 6, 8)
    assert have["conv1d"].shape == (3, 5, 4)  # channel-first
    assert changed_by(path, feed, "attention") == {"out", "norm", "conv1d"}


class SubClassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.conv = layers.Conv2D(2, 3, name="conv")
        self.state = layers.LSTM(4, return_state=True, name="lstm")

    def call(self, inputs: Any) -> Any:
        x = self.conv(inputs["picture"])
        sequence, *state = self.state(tf.reshape(x, (-1, 4, 8)) * inputs["gain"])
        return sequence, state


def test_sub_classed_model_needs_an_example(tmp_path: Path) -> None:
    model, path = SubClassed(), tmp_path / "m.onnx"
    example = {"gain": np.ones((1, 1, 1), np.float32), "picture": np.zeros((1, 6, 6, 3), np.float32)}
    with pytest.raises(ExportError, match="example="):
        export_keras(model, path)
    model(example)
    names = ["gain", "picture"]
    export_keras(model, path, ["conv", "lstm"], example=example, input_names=names)
    graph = onnx.load(path).graph
    own = ["output_0", "output_1.0", "output_1.1"]
    assert [output.name for output in graph.output] == [*own, "conv", "lstm.0", "lstm.1", "lstm.2"]
    assert [value.name for value in graph.input] == names


def test_tap_that_is_the_output(tmp_path: Path, exported: tuple[Any, Path, dict[str, float]]) -> None:
    path = tmp_path / "m.onnx"
    export_keras(exported[0], path, ["logits", "conv"])
    assert [output.name for output in onnx.load(path).graph.output] == ["logits", "conv"]
    export_keras(exported[0], path, ["logits", "conv"], output_names=["scores"])
    assert [output.name for output in onnx.load(path).graph.output] == ["scores", "logits", "conv"]
    assert changed_by(path, {"image": image()}, "logits") == {"scores"}
    mask = keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(2, 3, name="mask")])
    with pytest.raises(ExportError, match="another layout"):
        export_keras(mask, path, ["mask"])


def test_near_matches(tmp_path: Path, exported: tuple[Any, Path, dict[str, float]]) -> None:
    with pytest.raises(ExportError, match=r"no layer is called 'batchnorm'.*Near matches: batch_norm"):
        export_keras(exported[0], tmp_path / "m.onnx", ["batchnorm"])
    assert not list(tmp_path.iterdir())


def test_open_image_size(tmp_path: Path) -> None:
    model = keras.Sequential(
        [
            keras.Input((None, None, 3), name="image"),
            layers.Conv2D(4, 3, name="conv"),
            layers.GlobalAveragePooling2D(),
        ]
    )
    path = tmp_path / "m.onnx"
    export_keras(settle(model), path, ["conv"])
    assert run(path, {"image": np.zeros((2, 20, 11, 3), np.float32)})["conv"].shape == (2, 4, 18, 9)


def test_a_file_that_differs_is_not_kept(tmp_path: Path) -> None:
    x = keras.Input((3,), name="x")
    noisy = keras.Model(
        x, layers.Lambda(lambda t: t + tf.random.uniform(tf.shape(t), seed=1), name="noise")(x)
    )
    with pytest.raises(ExportError, match="output 'noise' differs"):
        export_keras(noisy, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_operators_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    x = keras.Input((3,), name="x")
    y = layers.Lambda(tf.math.lgamma, name="odd_1")(x)
    odd = keras.Model(x, y + layers.Lambda(tf.math.digamma, name="odd")(x))
    with pytest.raises(
        ExportError, match=r"Digamma in layer 'odd', Lgamma in layer 'odd_1'\. To export it, compose"
    ):
        export_keras(odd, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_a_compiled_function_is_named_by_its_layer(tmp_path: Path) -> None:
    compiled = tf.function(lambda t: tf.nn.relu(t) * 2, jit_compile=True)
    x = keras.Input((3,), name="x")
    odd = keras.Model(x, layers.Lambda(lambda t: compiled(t), name="fast")(x))
    with pytest.raises(ExportError, match=r"PartitionedCall in layer 'fast'.*jit_compile=False"):
        export_keras(odd, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_block_of_convnext(tmp_path: Path) -> None:
    """Exact GELU is Erfc, and wide depthwise convolutions are compiled with XLA: tf2onnx alone has neither."""
    x = keras.Input((9, 9, 6), name="x")
    y = layers.Conv2D(6, 7, padding="same", groups=6, name="depthwise")(x)
    y = layers.Dense(12)(layers.LayerNormalization(epsilon=1e-6)(y))
    model = settle(keras.Model(x, x + layers.Dense(6)(layers.Activation("gelu")(y))))
    assert max(export_keras(model, tmp_path / "m.onnx", ["depthwise"]).values()) < 1e-5


def test_what_tf2onnx_alone_cannot_write(tmp_path: Path) -> None:
    """Grouped convolutions (compiled with XLA), captured constants, exact GELU (Erfc) and CELU (Expm1)."""
    x = keras.Input((6, 6, 4), name="x")
    y = layers.Normalization(mean=[1.0, 2.0, 3.0, 4.0], variance=[4.0, 3.0, 2.0, 1.0], name="normal")(x)
    y = layers.Activation("celu")(layers.Conv2D(4, 3, groups=2, name="grouped")(y))
    model = settle(keras.Model(x, layers.Activation("gelu", name="out")(y)))
    path = tmp_path / "m.onnx"
    errors = export_keras(model, path, ["normal", "grouped"])
    assert max(errors.values()) < 1e-5
    graph = onnx.load(path).graph
    assert [value.name for value in graph.input] == ["x"]
    (conv,) = (node for node in graph.node if node.op_type == "Conv")
    assert {attribute.name: attribute.i for attribute in conv.attribute}["group"] == 2
    feed = {"x": np.random.default_rng(0).standard_normal((2, 6, 6, 4)).astype(np.float32)}
    assert changed_by(path, feed, "normal") == {"out", "grouped"}

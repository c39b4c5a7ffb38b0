from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from inspector.errors import LayerNotFound, ModelError
from inspector.model import load, resolve_layer, resolve_layers
from tests.inspector.graphs import cnn, model, normal


def test_the_fields_of_a_layer() -> None:
    conv, relu, *_, logits = load(cnn(metadata={"layers": {"conv": "Convolution 2D"}})).layers
    assert (conv.index, conv.name, conv.op_type, conv.kind, conv.label) == (
        1,
        "conv",
        "Conv",
        "Convolution 2D",
        "Convolution 2D",
    )
    assert conv.shape == ("batch", 4, 14, 14)
    assert (conv.dtype, conv.layout, conv.parameters) == ("float32", "NCHW", 4 * 3 * 9 + 4)
    assert conv.inputs == ("image", "conv.weight", "conv.bias")
    assert (relu.index, relu.label, relu.parameters) == (2, "Relu", 0)
    assert (logits.shape, logits.layout, logits.attributes) == (("batch", 10), None, {"transB": 1})


SHUFFLE = [
    helper.make_node("Conv", ["x", "w"], ["maps"], name="/features/0/Conv"),
    helper.make_node("Shape", ["maps"], ["shape"]),
    helper.make_node("Gather", ["shape", "zero"], ["n"]),
    helper.make_node("Concat", ["n", "rest"], ["wanted"], axis=0),
    helper.make_node("Reshape", ["maps", "wanted"], ["flat"]),
    helper.make_node("Conv", ["maps", "w2"], ["387"], name="/features/1/Conv"),
    helper.make_node("Relu", ["387"], ["y"], name="maps"),
]
CONSTANTS = {
    "w": normal(3, 3, 1, 1),
    "w2": normal(5, 3, 1, 1),
    "zero": np.array([0]),
    "rest": np.array([-1]),
}


def shuffled() -> tuple:
    return load(
        model(
            SHUFFLE,
            {"x": ["batch", 3, "h", 6]},
            {"y": None, "flat": None},
            CONSTANTS,
            metadata={"layers": {"y": "ReLU", "flat": "Flat Thing"}},
        )
    ).layers


def test_plumbing_is_numbered_after_what_is_shown() -> None:
    layers = shuffled()
    assert [(layer.index, layer.name) for layer in layers if not layer.plumbing] == [
        (1, "maps"),
        (2, "flat"),
        (3, "387"),
        (4, "y"),
    ]
    assert [layer.index for layer in layers if layer.plumbing] == [5, 6, 7]


def test_shapes_computed_from_dynamic_dimensions() -> None:
    shapes = {layer.name: layer.shape for layer in shuffled()}
    # 3 * h * 6 is no dimension of the input's: it stays open
    assert shapes["flat"] == ("batch", None)
    assert shapes["y"] == ("batch", 5, "h", 6)


def test_names_that_an_exporter_made_up_give_way_to_what_they_are() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["conv"]),
        helper.make_node("Shape", ["conv"], ["n"], end=1),
        helper.make_node("Concat", ["n", "rest"], ["wanted"], axis=0),
        helper.make_node("Reshape", ["conv", "wanted"], ["y"]),
    ]
    constants = {"w": normal(4, 3, 1, 1), "rest": np.array([2, 2, -1])}
    proto = model(
        nodes, {"x": ["batch", 3, 6, 6]}, {"y": ["Reshape_dim_0", "Reshape_dim_1", "a", "b"]}, constants
    )
    assert load(proto).outputs[0].shape == ("batch", 2, 2, 36)


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("maps", "maps"),  # the tensor, not the node that bears its name
        ("/features/1/Conv", "387"),
        ("387", "387"),  # a name, not an index
        ("relu", "y"),  # a label
        ("Flat Thing", "flat"),
        (3, "387"),
        ("3", "387"),
        ("Conv:1", "maps"),
        ("Conv:2", "387"),
        ("Conv:last", "387"),
        ("Conv:-2", "maps"),
        ("conv:first", "maps"),
        ("*/1/*", "387"),
        ("shape", "shape"),  # plumbing, by its exact name
    ],
)
def test_what_a_layer_is_called_by(spec: str | int, name: str) -> None:
    assert resolve_layer(shuffled(), spec).name == name


def test_an_unknown_layer_lists_near_matches() -> None:
    with pytest.raises(LayerNotFound, match=r"no layer 'mapz'; near matches: maps"):
        resolve_layer(shuffled(), "mapz")
    with pytest.raises(LayerNotFound, match=r"lists all 4: maps, flat, 387, y"):
        resolve_layer(shuffled(), "qqqqqqqq")
    with pytest.raises(LayerNotFound, match=r"no Gemm layer; its layers are of type Conv, Relu, Reshape"):
        resolve_layer(shuffled(), "Gemm:1")
    with pytest.raises(LayerNotFound, match=r"2 Conv layers: Conv:1 to Conv:2"):
        resolve_layer(shuffled(), "Conv:3")


def test_a_glob_may_name_several() -> None:
    assert [layer.name for layer in resolve_layers(shuffled(), "*Conv")] == ["maps", "387"]
    with pytest.raises(LayerNotFound, match="names 2 layers: maps, 387"):
        resolve_layer(shuffled(), "*Conv")


def test_layouts_follow_transposes_and_end_where_axes_are_mixed() -> None:
    nodes = [
        helper.make_node("Transpose", ["image"], ["first"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["first", "w"], ["conv"]),
        helper.make_node("Transpose", ["conv"], ["last"], perm=[0, 2, 3, 1]),
        helper.make_node("Mul", ["last", "scale"], ["scaled"]),
        helper.make_node("Relu", ["scaled"], ["relu"]),
        helper.make_node("Transpose", ["relu"], ["mixed"], perm=[0, 2, 1, 3]),
        helper.make_node("MatMul", ["relu", "mixer"], ["matmul"]),
    ]
    weights = {"w": normal(5, 3, 1, 1), "scale": normal(5), "mixer": normal(5, 5)}
    loaded = load(model(nodes, {"image": ["n", 8, 8, 3]}, {"matmul": None, "mixed": None}, weights))
    assert loaded.layouts == {
        "image": "NHWC",
        "first": "NCHW",
        "conv": "NCHW",
        "last": "NHWC",
        "scaled": "NHWC",
        "relu": "NHWC",
    }


def test_metadata_is_read_and_a_bare_list_of_labels_too() -> None:
    metadata = load(
        cnn(
            metadata={
                "labels": [str(digit) for digit in range(10)],
                "input": {
                    "layout": "NCHW",
                    "range": [0, 1],
                    "mean": [0.5] * 3,
                    "std": [2] * 3,
                    "size": [16, 16],
                },
                "training": {"dataset": "line"},
            }
        )
    ).metadata
    assert metadata.labels[""][3] == "3"
    assert metadata.input is not None
    assert metadata.input.mean == (0.5, 0.5, 0.5)
    assert metadata.input.size == (16, 16)
    assert metadata.training["dataset"] == "line"
    assert load(cnn()).metadata.input is None


def test_metadata_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ModelError, match="metadata cannot be understood"):
        load(cnn(metadata={"labels": 7}))
    broken = cnn()
    broken.metadata_props.add(key="onnxlens.layers", value="{")
    with pytest.raises(ModelError, match=r"'onnxlens\.layers' is not JSON"):
        load(broken)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_old_upsampling_is_converted_to_what_it_was(mode: str) -> None:
    """The converter of onnx makes it half-pixel, which gives other values."""
    import onnxruntime

    nodes = [
        helper.make_node("Conv", ["x", "w"], ["conv"]),
        helper.make_node("Upsample", ["conv", "scales"], ["up"], mode=mode),
        helper.make_node("Relu", ["up"], ["y"]),
    ]
    weights = {"w": normal(2, 1, 3, 3), "scales": np.array([1, 1, 2, 2], dtype=np.float32)}
    proto = model(nodes, {"x": ["n", 1, 7, 7]}, {"y": None}, weights, opset=9)
    loaded = load(proto)
    assert loaded.converted
    x = normal(2, 1, 7, 7, seed=9)
    import onnx_ir as ir

    old, new = (
        onnxruntime.InferenceSession(each.SerializeToString(), providers=["CPUExecutionProvider"]).run(
            None, {"x": x}
        )
        for each in (proto, ir.to_proto(loaded.normalised))
    )
    np.testing.assert_allclose(new[0], old[0], atol=1e-6)
    # the converter also renames what it replaces
    assert {layer.name for layer in loaded.layers} <= {
        str(value.name) for node in loaded.normalised.graph for value in node.outputs
    }
    assert [value.name for value in loaded.normalised.graph.outputs] == ["y"]

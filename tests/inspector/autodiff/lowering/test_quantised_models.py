"""Quantised models as onnxruntime writes them, beside the float models that they were made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from inspector import Inspector

from .networks import cnn, photographs, quantised

KINDS = ("qdq", "qdq per channel", "qdq int16", "qoperator", "qoperator per channel", "dynamic")


@pytest.fixture(scope="module", params=KINDS)
def lens(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Inspector:
    folder: Path = tmp_path_factory.mktemp("quantised")
    return Inspector(quantised(request.param, folder), threads=1)


def without_rounding(quantised: onnx.ModelProto) -> onnx.ModelProto:
    """The float model with the weights that the quantised one keeps."""
    stored = {each.name: numpy_helper.to_array(each) for each in quantised.graph.initializer}
    proto = cnn()
    for weight in proto.graph.initializer:
        integers = stored.get(f"{weight.name}_quantized")
        if integers is None:
            continue
        scale = stored.get(f"{weight.name}_scale", stored.get(f"{weight.name}_quantized_scale"))
        if scale is None:
            # a bias: the scale of the weights times that of the tensor before them
            (node,) = (node for node in quantised.graph.node if f"{weight.name}_quantized" in node.input)
            scale = stored[node.input[1]] * stored[node.input[4]]
        zero = stored.get(f"{weight.name}_zero_point", np.zeros_like(scale, dtype=np.int32))
        axis = [-1, *[1] * (integers.ndim - 1)] if np.size(scale) > 1 else []
        real = (integers.astype(np.float64) - zero.reshape(axis)) * scale.reshape(axis)
        # (a Gemm becomes a product with its weights transposed)
        real = real if list(real.shape) == list(weight.dims) else real.T
        weight.CopyFrom(numpy_helper.from_array(real.astype(np.float32), weight.name))
    return proto


def test_the_gradient_is_that_of_the_float_model_with_rounded_weights(lens: Inspector) -> None:
    images = photographs(4)
    truth = Inspector(without_rounding(lens.model.proto), threads=1)
    largest = 0.0
    for target in range(5):
        mine, theirs = lens.gradient(images, target), truth.gradient(images, target)
        largest = max(largest, float(np.linalg.norm(mine - theirs) / np.linalg.norm(theirs)))
    assert largest < 1e-5


def test_the_gradient_is_near_that_of_the_float_model(lens: Inspector) -> None:
    images = photographs(4, seed=9)
    original = Inspector(cnn(), threads=1)
    found = [
        np.corrcoef(mine.ravel(), theirs.ravel())[0, 1]
        for target in range(5)
        for mine, theirs in zip(lens.gradient(images, target), original.gradient(images, target), strict=True)
    ]
    # weights of 8 bits turn some ReLUs and maxima the other way
    assert min(found) > 0.9
    assert np.mean(found) > 0.97


def test_the_check_passes_and_says_what_it_compared_with(lens: Inspector) -> None:
    check = lens.check(photographs(1, seed=9))
    assert check.passed
    assert check.precision == "float64"
    assert check.against == "the de-quantised graph"
    assert "of the de-quantised graph" in check.message


def test_a_heatmap_says_that_the_model_is_quantised_and_shows_its_own_score(lens: Inspector) -> None:
    images = photographs(2, seed=9)
    found = lens.explain(images, check=True)
    own = lens.run(images)["logits"]
    np.testing.assert_allclose(found.score, own.max(axis=1), rtol=1e-6)
    assert found.check is not None
    assert found.check.passed
    assert any("straight-through" in note for note in found.notes)


def test_the_class_that_is_explained_is_the_files_own(lens: Inspector) -> None:
    """Also where rounding makes two classes equal: the de-quantised graph might say otherwise."""
    images = photographs(8, seed=10)
    own = lens.run(images)["logits"].argmax(axis=1)
    assert lens.explain(images).target == tuple(f"logits={each}" for each in own)


def test_integer_layers_work_under_their_own_names(tmp_path: Path) -> None:
    proto, images = quantised("qoperator", tmp_path), photographs(2)
    lens, truth = Inspector(proto, threads=1), Inspector(without_rounding(proto), threads=1)
    # a fused ReLU: the gradient is that at its result, per unit of what the integers mean
    for mine, theirs in (
        ("conv1_quantized", "relu1"),
        ("pool_quantized", "pool"),
        ("sum_quantized", "relu3"),
    ):
        expected = truth.gradient(images, 2, wrt=theirs)
        assert np.linalg.norm(lens.gradient(images, 2, wrt=mine) - expected) < 1e-5 * np.linalg.norm(expected)
    shown = lens.activations(images, "conv2_quantized")["conv2_quantized"]
    assert shown.dtype == np.uint8
    found = lens.explain(images[:1], "gradcam", layer="conv2_quantized", check=True)
    assert found.layer == "conv2_quantized"
    assert found.check is not None
    assert found.check.passed
    np.testing.assert_allclose(
        found.map,
        truth.explain(
            images[:1], "gradcam", target=lens.run(images[:1])["logits"].argmax(), layer="relu2"
        ).map,
        rtol=1e-4,
        atol=1e-6,
    )
    assert lens.default_layer().name == "sum_quantized"


def test_inputs_on_the_edge_of_the_range_are_not_saturated(tmp_path: Path) -> None:
    """Black and white pixels are rounded to the first and the last integer: a step further they would be saturated."""
    lens = Inspector(quantised("qdq", tmp_path), threads=1)
    images = photographs(2, seed=9)
    assert (images == 1).any()
    assert (images == 0).any()
    gradient = lens.gradient(images, 1)
    assert gradient[images == 1].any()
    assert gradient[images == 0].any()
    beyond = np.where(images == 1, np.float32(1.1), images)
    assert not lens.gradient(beyond, 1)[images == 1].any()


def test_outputs_beyond_the_calibrated_range_have_a_gradient(tmp_path: Path) -> None:
    proto = quantised("qdq", tmp_path)
    scale = next(each for each in proto.graph.initializer if each.name == "logits_scale")
    scale.CopyFrom(numpy_helper.from_array(np.array(1e-4, np.float32), scale.name))
    lens = Inspector(proto, threads=1)
    assert lens.gradient(photographs(1), 1).any()


def test_a_table_of_words_in_integers_is_the_first_float_tensor(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    proto = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17]> words (int64[N, 5] ids) => (float[N, 3] logits) {
            rows = Gather (table, ids)
            turned = Transpose <perm = [0, 2, 1]> (rows)
            real = DequantizeLinear (turned, scale, zero)
            mean = ReduceMean <axes = [2], keepdims = 0> (real)
            logits = MatMul (mean, weights)
        }"""
    )
    for name, array in {
        "table": random.integers(0, 256, (20, 8)).astype(np.uint8),
        "scale": np.array(0.02, np.float32),
        "zero": np.array(130, np.uint8),
        "weights": random.normal(size=(8, 3)).astype(np.float32),
    }.items():
        proto.graph.initializer.append(numpy_helper.from_array(array, name))
    lens = Inspector(proto, threads=1)
    ids = random.integers(0, 20, (1, 5))
    gradient = lens.gradient(ids, 1, wrt="rows")
    # the scale stands behind a Transpose, so `rows` are the integers themselves
    weights = numpy_helper.to_array(proto.graph.initializer[3])[:, 1]
    np.testing.assert_allclose(gradient, np.broadcast_to(0.02 * weights / 5, (1, 5, 8)), rtol=1e-5)


def test_integer_weights_alone_round_nothing() -> None:
    """Kept small in the file, but read as floats: the check is one of the file itself."""
    weights = {
        "w": np.array([[3, -7], [100, 5], [-128, 127]], np.int8),
        "s": np.array([0.01, 0.02], np.float32),
    }
    proto = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17]> small (float[N, 3] x) => (float[N, 2] y) {
            real = DequantizeLinear <axis = 1> (w, s)
            y = MatMul (x, real)
        }"""
    )
    proto.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in weights.items())
    lens = Inspector(proto, threads=1)
    x = np.ones((1, 3), np.float32)
    np.testing.assert_allclose(lens.gradient(x, 1)[0], weights["w"][:, 1] * np.float32(0.02), rtol=1e-6)
    check = lens.check(x, 1)
    assert check.passed
    assert check.against == "the file"

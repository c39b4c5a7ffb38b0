"""The heatmap in the file is the one that `explain` draws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from inspector import Inspector, Target
from inspector.embed import embeddable
from inspector.errors import LayerNotFound
from tests.inspector.embed.running import agrees, run
from tests.inspector.graphs import cnn, images, model, multi_head, normal

X = images(3)
METHODS = [name for name in embeddable() if name != "cam"]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_that_is_a_formula(method: str, tmp_path: Path) -> None:
    agrees(Inspector(cnn()), tmp_path / "explained.onnx", {"image": X}, method)


@pytest.mark.parametrize("layer", ["conv", "relu", "batch_norm", "max_pool", "flat"])
def test_every_layer(layer: str, tmp_path: Path) -> None:
    agrees(Inspector(cnn()), tmp_path / "explained.onnx", {"image": X}, layer=layer)


@pytest.mark.parametrize("method", ["gradcam", "saliency"])
def test_any_number_of_images(method: str, tmp_path: Path) -> None:
    lens, path = Inspector(cnn()), tmp_path / "explained.onnx"
    lens.embed(path, method)
    for count in (1, 2, 5):
        heatmap = run(path, {"image": images(count)})["heatmap"]
        np.testing.assert_allclose(heatmap, lens.explain(images(count), method).heatmap, rtol=0, atol=1e-5)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("final", [None, "Softmax", "LogSoftmax"])
def test_files_with_a_fixed_batch(batch: int, final: str | None, tmp_path: Path) -> None:
    agrees(Inspector(cnn(batch, final)), tmp_path / "explained.onnx", {"image": X[:batch]})


@pytest.mark.parametrize("method", ["gradcam", "saliency", "finercam"])
@pytest.mark.parametrize("batch", ["batch", 3])
def test_the_class_that_is_asked_for(method: str, batch: int | str, tmp_path: Path) -> None:
    lens, path = Inspector(cnn(batch)), tmp_path / "explained.onnx"
    agrees(lens, path, {"image": X}, method, classes=[7, -1, 0])
    agrees(lens, path, {"image": X}, method, classes=[-1, -1, -1])


@pytest.mark.parametrize("head", ["length", "colour"])
def test_a_single_neuron_has_two_sides(head: str, tmp_path: Path) -> None:
    lens, path, x = Inspector(multi_head()), tmp_path / "explained.onnx", images(4, 8)
    agrees(lens, path, {"image": x}, target=head)
    lens.embed(path, class_input=True, target=head)
    found = run(path, {"image": x, "class": np.array([0, 1, -1, -1])})["heatmap"]
    own = [int(logit > 0) for logit in lens.run(x)[head][:, 0]]
    expected = lens.explain(x, target=[f"{head}[0]"] * 4)
    sides = lens.explain(x, "gradcam", target=[_side(lens, head, label) for label in (0, 1, *own[2:])])
    np.testing.assert_allclose(found, sides.heatmap, rtol=0, atol=1e-5)
    # the side is not the neuron's own alone
    assert np.abs(found - expected.heatmap).max() > 0.1


def _side(lens: Inspector, head: str, label: int) -> str:
    return f"{head}={lens.labels[head][label]}"


@pytest.mark.parametrize("target", ["angle=30°", "angle[1]", "logp(angle=15°) + 0.5*length=long"])
def test_a_target_of_its_own(target: str, tmp_path: Path) -> None:
    agrees(Inspector(multi_head()), tmp_path / "explained.onnx", {"image": images(3, 8)}, target=target)


def any_size() -> Inspector:
    """Two convolutions and a mean over pictures of any size, 7 classes."""
    nodes = [
        helper.make_node("Conv", ["image", "first"], ["conv"], strides=[2, 2]),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("Conv", ["relu", "second"], ["last"], pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["last"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weight"], ["logits"], transB=1),
    ]
    weights = {"first": normal(6, 3, 3, 3), "second": normal(5, 6, 3, 3), "weight": normal(7, 5, scale=1)}
    return Inspector(
        model(nodes, {"image": ["batch", 3, "height", "width"]}, {"logits": ["batch", 7]}, weights)
    )


@pytest.mark.parametrize("method", METHODS)
def test_pictures_of_any_size(method: str, tmp_path: Path) -> None:
    lens, path = any_size(), tmp_path / "explained.onnx"
    lens.embed(path, method, x=images(2, 20))
    for count, height, width in ((1, 31, 20), (2, 16, 45)):
        x = np.random.default_rng(count).normal(size=(count, 3, height, width)).astype(np.float32)
        heatmap = run(path, {"image": x})["heatmap"]
        np.testing.assert_allclose(heatmap, lens.explain(x, method).heatmap, rtol=0, atol=1e-5)


def test_cam_where_a_linear_layer_reads_the_pooled_maps(tmp_path: Path) -> None:
    lens, path = any_size(), tmp_path / "explained.onnx"
    x = images(3, 24)
    lens.embed(path, "cam", x=x)
    np.testing.assert_allclose(run(path, {"image": x})["heatmap"], lens.explain(x, "cam").heatmap, atol=1e-5)
    with pytest.raises(LayerNotFound):
        Inspector(cnn()).embed(path, "cam")


@pytest.mark.parametrize("method", METHODS)
def test_channels_last(method: str, tmp_path: Path) -> None:
    """Pictures and feature maps (N, H, W, C) between transposes."""
    proto = cnn()
    proto.graph.input[0].CopyFrom(helper.make_tensor_value_info("pixels", 1, ["batch", 16, 16, 3]))
    before = helper.make_node("Transpose", ["pixels"], ["image"], perm=[0, 3, 1, 2])
    last = helper.make_node("Transpose", ["max_pool"], ["pooled_last"], perm=[0, 2, 3, 1])
    relu = helper.make_node("Relu", ["pooled_last"], ["last"])
    back = helper.make_node("Transpose", ["last"], ["first"], perm=[0, 3, 1, 2])
    nodes = [before, *proto.graph.node[:4], last, relu, back, *proto.graph.node[4:]]
    nodes[-2].input[0] = "first"
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    agrees(Inspector(proto), tmp_path / "explained.onnx", {"pixels": X.transpose(0, 2, 3, 1).copy()}, method)


@pytest.mark.parametrize("axes", [1, 3])
@pytest.mark.parametrize("method", ["gradcam", "saliency"])
def test_signals_and_volumes(axes: int, method: str, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["maps"], strides=[2] * axes),
        helper.make_node("GlobalAveragePool", ["maps"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["logits"]),
    ]
    weights = {"w": normal(5, 2, *[3] * axes)}
    lens = Inspector(model(nodes, {"x": ["n", 2, *[9] * axes]}, {"logits": ["n", 5]}, weights))
    agrees(lens, tmp_path / "explained.onnx", {"x": normal(2, 2, *[9] * axes, scale=1)}, method)


@pytest.mark.parametrize("method", ["gradcam", "saliency"])
def test_pictures_of_bytes(method: str, tmp_path: Path) -> None:
    proto = cnn()
    proto.graph.input[0].CopyFrom(helper.make_tensor_value_info("bytes", 2, ["batch", 3, 16, 16]))
    proto.graph.node.insert(0, helper.make_node("Cast", ["bytes"], ["image"], to=1))
    x = np.random.default_rng(0).integers(0, 256, size=(2, 3, 16, 16), dtype=np.uint8)
    agrees(Inspector(proto), tmp_path / "explained.onnx", {"bytes": x}, method)


def test_a_map_of_zeros_stays_one(tmp_path: Path) -> None:
    lens, path = Inspector(cnn()), tmp_path / "explained.onnx"
    every = Target(index=slice(None))
    lens.embed(path, target=every - every, layer="relu")
    assert not run(path, {"image": X})["heatmap"].any()


def test_an_old_opset_and_further_inputs_and_outputs(tmp_path: Path) -> None:
    """The order of inputs and outputs stays, also of an input that nothing reads."""
    proto = cnn(opset=11)
    proto.graph.input.insert(0, helper.make_tensor_value_info("unread", 1, ["batch", 2]))
    proto.graph.output.insert(0, helper.make_tensor_value_info("relu", 1, ["batch", 4, 14, 14]))
    lens, path = Inspector(proto), tmp_path / "explained.onnx"
    feeds = {"unread": np.zeros((3, 2), np.float32), "image": X}
    agrees(lens, path, feeds)
    assert [each.name for each in Inspector(path).inputs] == ["unread", "image"]
    assert [each.name for each in Inspector(path).outputs] == ["relu", "logits", "heatmap"]

"""Heatmaps against torch.autograd on the same weights."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

from inspector import Inspector, Target
from inspector.errors import InspectorError, LayerNotFound, ModelError, NotDifferentiable
from tests.inspector.graphs import cnn, cnn_weights, images, model, multi_head, normal

torch = pytest.importorskip("torch")
functional = torch.nn.functional

X = images(3)
CAMS = ["gradcam", "hirescam", "gradcam-elementwise", "layercam", "xgradcam"]


def forward(x: torch.Tensor) -> dict[str, torch.Tensor]:
    """The same network in PyTorch."""
    w = {name: torch.tensor(array) for name, array in cnn_weights().items()}
    found = {"image": x, "conv": functional.conv2d(x, w["conv.weight"], w["conv.bias"])}
    found["relu"] = functional.relu(found["conv"])
    found["batch_norm"] = functional.batch_norm(
        found["relu"], w["bn.mean"], w["bn.variance"], w["bn.scale"], w["bn.shift"], eps=1e-5
    )
    found["max_pool"] = functional.max_pool2d(found["batch_norm"], 2)
    found["logits"] = found["max_pool"].flatten(1) @ w["fc.weight"].T + w["fc.bias"]
    return found


def torch_gradient(layer: str, classes: list[int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    tensors = forward(torch.tensor(X, requires_grad=True))
    score = tensors["logits"][range(len(X)), classes].sum()
    (gradient,) = torch.autograd.grad(score, tensors[layer])
    return tensors[layer].detach().numpy(), gradient.numpy()


def by_definition(method: str, a: NDArray[np.float32], g: NDArray[np.float32]) -> NDArray[np.float32]:
    """The papers' equations, place by place."""
    n, c, h, w = a.shape
    maps = np.zeros((n, h, w))
    for sample in range(n):
        for channel in range(c):
            act, grad = a[sample, channel].astype(float), g[sample, channel].astype(float)
            maps[sample] += {
                "gradcam": lambda act=act, grad=grad: grad.sum() / (h * w) * act,
                "xgradcam": lambda act=act, grad=grad: (act / act.sum() * grad).sum() * act,
                "hirescam": lambda act=act, grad=grad: act * grad,
                "gradcam-elementwise": lambda act=act, grad=grad: np.maximum(act * grad, 0),
                "layercam": lambda act=act, grad=grad: np.maximum(grad, 0) * act,
            }[method]()
    return np.maximum(maps, 0).astype(np.float32)


@pytest.mark.parametrize("layer", ["conv", "relu", "batch_norm", "max_pool"])
@pytest.mark.parametrize("method", CAMS)
def test_class_activation_maps(method: str, layer: str) -> None:
    classes = [1, 7, 4]
    explained = Inspector(cnn()).explain(X, method, target=classes, layer=layer)
    small = by_definition(method, *torch_gradient(layer, classes))
    np.testing.assert_allclose(explained.map, small, atol=1e-5 * np.abs(small).max())
    raw = functional.interpolate(torch.tensor(small)[:, None], size=(16, 16), mode="bilinear")[:, 0].numpy()
    np.testing.assert_allclose(explained.raw, raw, atol=1e-5 * raw.max())
    largest = raw.max(axis=(1, 2), keepdims=True)
    # a map whose evidence is all against the class stays zero
    np.testing.assert_allclose(explained.heatmap, raw / np.where(largest > 0, largest, 1), atol=1e-5)
    empty = [number for number in range(3) if largest[number] == 0]
    assert [note.split(":")[0] for note in explained.notes] == [f"image {number + 1}" for number in empty]
    assert (explained.layer, explained.method) == (layer, method)
    assert explained.target == ("logits=1", "logits=7", "logits=4")


@pytest.mark.parametrize("batch", ["batch", 1, 2])
@pytest.mark.parametrize("final", [None, "Softmax"])
def test_the_default_is_gradcam_of_the_top_class_at_the_last_map(batch: int | str, final: str | None) -> None:
    explained = Inspector(cnn(batch, final)).explain(X)
    logits = forward(torch.tensor(X))["logits"].numpy()
    top = logits.argmax(axis=1)
    small = by_definition("gradcam", *torch_gradient("max_pool", list(top)))
    np.testing.assert_allclose(explained.map, small, atol=1e-5 * small.max())
    np.testing.assert_allclose(explained.score, logits.max(axis=1), rtol=1e-5)
    assert (explained.layer, explained.method) == ("max_pool", "gradcam")
    name = "output" if final else "logits"
    assert explained.target == tuple(f"{name}={number}" for number in top)
    assert explained.heatmap.shape == (3, 16, 16)
    assert explained.heatmap.dtype == np.float32


def test_saliency_and_input_times_gradient() -> None:
    _, gradient = torch_gradient("image", [1, 7, 4])
    lens = Inspector(cnn())
    saliency = lens.explain(X, "saliency", target=[1, 7, 4])
    np.testing.assert_allclose(saliency.raw, np.abs(gradient).max(axis=1), atol=1e-6)
    assert saliency.layer is None
    product = lens.explain(X, "input-x-gradient", target=[1, 7, 4])
    expected = (X * gradient).sum(axis=1)
    np.testing.assert_allclose(product.raw, expected, atol=1e-6)
    assert product.signed
    np.testing.assert_allclose(np.abs(product.heatmap).max(axis=(1, 2)), 1)
    assert product.heatmap.min() < 0


def channels_last() -> Inspector:
    """The same network as exporters from Keras write it: pictures and feature maps (N, H, W, C) between transposes."""
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
    return Inspector(proto)


def test_channel_last_pictures_and_feature_maps() -> None:
    lens = channels_last()
    x = np.ascontiguousarray(X.transpose(0, 2, 3, 1))
    explained = lens.explain(x, target=4)
    assert (explained.layer, lens.resolve_layer("last").layout) == ("last", "NHWC")
    a, g = (lens.evaluator.values({"pixels": x}, ["last"])["last"], lens.gradient(x, 4, wrt="last"))
    expected = by_definition("gradcam", a.transpose(0, 3, 1, 2), g.transpose(0, 3, 1, 2))
    np.testing.assert_allclose(explained.map, expected, atol=1e-6)
    assert explained.heatmap.shape == (3, 16, 16)
    np.testing.assert_allclose(
        lens.explain(x, target=4, layer="conv").heatmap, lens.explain(x, target=4, layer=2).heatmap, atol=1
    )
    saliency = lens.explain(x, "saliency", target=4)
    np.testing.assert_allclose(saliency.raw, np.abs(lens.gradient(x, 4)).max(axis=3))


@pytest.mark.parametrize("axes", [1, 3])
def test_signals_and_volumes(axes: int) -> None:
    kernel = (3,) * axes
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["maps"]),
        helper.make_node("GlobalAveragePool", ["maps"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["logits"]),
    ]
    lens = Inspector(
        model(nodes, {"x": ["n", 2, *[9] * axes]}, {"logits": ["n", 5]}, {"w": normal(5, 2, *kernel)})
    )
    x = normal(2, 2, *[9] * axes, scale=1)
    explained = lens.explain(x, target=3)
    assert explained.layer == "maps"
    assert explained.heatmap.shape == (2, *[9] * axes)
    # the weights of Grad-CAM are 1 / places for the class's own channel and 0 for the others
    maps = np.maximum(lens.activations(x, layers="maps")["maps"][:, 3], 0)
    np.testing.assert_allclose(explained.map, maps / maps[0].size, atol=1e-6)


def test_pictures_of_bytes_are_explained_at_a_layer() -> None:
    proto = cnn()
    proto.graph.input[0].CopyFrom(helper.make_tensor_value_info("bytes", 2, ["batch", 3, 16, 16]))
    proto.graph.node.insert(0, helper.make_node("Cast", ["bytes"], ["image"], to=1))
    lens = Inspector(proto)
    x = np.random.default_rng(0).integers(0, 256, size=(2, 3, 16, 16), dtype=np.uint8)
    explained = lens.explain(x, target=3)
    np.testing.assert_allclose(
        explained.raw, Inspector(cnn()).explain(x.astype(np.float32), target=3).raw, rtol=1e-5
    )
    saliency = lens.explain(x, "saliency", target=3, check=True)
    np.testing.assert_allclose(
        saliency.raw, Inspector(cnn()).explain(x.astype(np.float32), "saliency", target=3).raw, rtol=1e-5
    )
    assert saliency.notes == [
        "input 'bytes' holds uint8, which has no gradient: it is taken at 'image' (Cast), the first floating-point "
        "tensor after it"
    ]
    assert saliency.check is not None
    assert saliency.check.passed


def test_a_map_that_overflows_is_refused() -> None:
    weights = cnn_weights()
    weights["fc.weight"] *= np.float32(3e38)
    with pytest.raises(ModelError, match="not finite"):
        Inspector(cnn(weights=weights)).explain(X, target=3)


def test_without_a_feature_map_the_method_is_saliency_and_gradcam_is_refused() -> None:
    lens = Inspector(
        model(
            [helper.make_node("MatMul", ["x", "w"], ["logits"])],
            {"x": ["n", 6]},
            {"logits": ["n", 3]},
            {"w": normal(6, 3)},
        )
    )
    x = normal(2, 6)
    explained = lens.explain(x, target=1)
    assert explained.method == "saliency"
    assert "method saliency was chosen: the model has no spatial feature map" in explained.notes[0]
    np.testing.assert_allclose(explained.raw, np.tile(np.abs(normal(6, 3)[:, 1]), (2, 1)))
    with pytest.raises(LayerNotFound, match=r"no spatial feature map.*use method saliency"):
        lens.explain(x, "gradcam", target=1)


def test_a_layer_that_is_no_map_or_has_no_part_in_the_target() -> None:
    lens = Inspector(cnn())
    with pytest.raises(LayerNotFound, match=r"'logits' .* is no feature map"):
        lens.explain(X, "gradcam", layer="logits")
    # a flattened map is still one
    flat, folded = (lens.explain(X, "gradcam", target=1, layer=layer) for layer in ("flat", "max_pool"))
    np.testing.assert_array_equal(flat.raw, folded.raw)
    with pytest.raises(LayerNotFound, match=r"'relu' has no part in the target: conv"):
        lens.explain(X, "gradcam", layer="relu", target="conv[0, 1, 1]")


def test_an_empty_map_is_zero_and_said_so() -> None:
    lens = Inspector(cnn())
    against = lens.explain(
        X[:1], target=-1.0 * Target(index=slice(None)) + Target(index=slice(None)), layer="relu"
    )
    assert not against.heatmap.any()
    assert against.notes[-1] == "image 1: the map is zero everywhere: the gradient is zero"
    ones = {"w": np.ones((1, 1, 1, 1), np.float32)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["maps"]),
        helper.make_node("GlobalAveragePool", ["maps"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["score"]),
    ]
    proto = model(nodes, {"x": ["n", 1, 4, 4]}, {"score": ["n", 1]}, ones)
    explained = Inspector(proto).explain(np.ones((2, 1, 4, 4), np.float32), target=[0, 1])
    assert not explained.heatmap[0].any()
    np.testing.assert_array_equal(explained.heatmap[1], 1)
    assert explained.notes == [
        "image 1: the map is zero everywhere: all evidence at this layer is against the target"
    ]


def test_an_unknown_method_or_option_lists_what_there_is() -> None:
    lens = Inspector(cnn())
    with pytest.raises(InspectorError, match=r"no method 'magic'; methods: gradcam, gradcam\+\+, hirescam"):
        lens.explain(X, "magic")
    with pytest.raises(InspectorError, match="method gradcam takes no option 'steps'"):
        lens.explain(X, "gradcam", steps=3)


def test_an_operator_without_a_derivative_is_named() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["maps"]),
        helper.make_node("SampleOp", ["maps"], ["echoes"], name="the-culprit", domain="com.microsoft"),
        helper.make_node("Flatten", ["echoes"], ["logits"]),
    ]
    proto = model(nodes, {"x": ["n", 3, 4, 4]}, {"logits": ["n", 80]}, {"w": normal(5, 3, 1, 1)})
    proto.opset_import.add(domain="com.microsoft", version=1)
    with pytest.raises(NotDifferentiable, match="the-culprit"):
        Inspector(proto).explain(normal(1, 3, 4, 4), target=1)


def test_the_check_rides_along() -> None:
    explained = Inspector(cnn(batch=2)).explain(X, target=[1, 2, 3], check=True)
    assert explained.check is not None
    assert explained.check.passed
    assert explained.check.samples == 3
    assert Inspector(cnn()).explain(X[:1]).check is None


def test_heads_of_their_own() -> None:
    lens = Inspector(multi_head())
    x = images(2, size=8)
    relu, g = lens.activations(x, layers="relu")["relu"], lens.gradient(x, "angle=30°", wrt="relu")
    explained = lens.explain(x, target="angle=30°")
    np.testing.assert_allclose(explained.map, by_definition("gradcam", relu, g), atol=1e-6)
    assert explained.target == ("angle=30°", "angle=30°")

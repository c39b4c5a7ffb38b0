from __future__ import annotations

import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from inspector import Inspector, Target
from inspector.errors import LayerNotFound, ModelError, TargetError
from inspector.explain import activations, collect_activations
from tests.inspector.graphs import cnn, cnn_weights, images, model, multi_head, normal


def test_inputs_and_outputs() -> None:
    lens = Inspector(multi_head())
    assert [(t.name, t.shape, t.dtype) for t in lens.inputs] == [("image", ("batch", 3, 8, 8), "float32")]
    assert [(t.name, t.shape) for t in lens.outputs] == [
        ("length", ("batch", 1)),
        ("angle", ("batch", 3)),
        ("colour", ("batch", 1)),
    ]
    assert lens.labels["angle"] == ("0°", "15°", "30°")
    assert lens.providers[-1] == "CPUExecutionProvider"


def test_activations_are_what_the_runtime_computes() -> None:
    proto, x = cnn(), images()
    lens = Inspector(proto)
    found = lens.activations(x)
    assert list(found) == ["conv", "relu", "batch_norm", "max_pool", "flat", "logits"]
    exposed = onnx.ModelProto()
    exposed.CopyFrom(proto)
    names = list(found)
    exposed.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names[:-1])
    session = onnxruntime.InferenceSession(exposed.SerializeToString(), providers=["CPUExecutionProvider"])
    for name, expected in zip(names, session.run(names, {"image": x}), strict=True):
        np.testing.assert_allclose(found[name], expected, atol=1e-5)
    np.testing.assert_array_equal(found["logits"], lens.run(x)["logits"])
    assert list(lens.activations(x, layers=["Relu:1", 1])) == ["conv", "relu"]
    assert list(lens.activations(x, layers="*_[np]o*")) == ["batch_norm", "max_pool"]


def test_activations_within_a_memory_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    lens, x = Inspector(cnn()), images()
    whole = lens.activations(x)
    groups = []
    real = lens.evaluator.values
    monkeypatch.setattr(
        lens.evaluator, "values", lambda feeds, names: groups.append(names) or real(feeds, names)
    )
    conv = 4 * 3 * 4 * 14 * 14
    found = collect_activations(lens.evaluator, {"image": x}, lens.layers(), memory=2 * conv)
    assert groups == [["conv", "relu"], ["batch_norm", "max_pool", "flat", "logits"]]
    for name, array in whole.items():
        np.testing.assert_allclose(found[name], array, atol=1e-5)


def test_shapes_are_worked_out_once_for_each_size_of_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    lens, worked_out = Inspector(cnn()), []
    real = activations.propagate
    monkeypatch.setattr(
        activations, "propagate", lambda graph, shapes: worked_out.append(shapes) or real(graph, shapes)
    )
    for size in (2, 2, 3, 2):
        assert len(lens.activations(images(size))["conv"]) == size
    assert [shapes["image"][0] for shapes in worked_out] == [2, 3]


def test_the_default_layer() -> None:
    lens = Inspector(cnn())
    assert lens.default_layer().name == "max_pool"
    assert lens.default_layer("batch_norm[0]").name == "relu"
    assert Inspector(multi_head()).default_layer(Target("angle") + Target("colour")).name == "relu"
    with pytest.raises(LayerNotFound, match="no spatial feature map"):
        lens.default_layer("conv[0]")


def test_the_second_result_of_a_node_is_a_layer_by_its_name() -> None:
    nodes = [
        helper.make_node("Split", ["x"], ["left", "right"], axis=1, num_outputs=2),
        helper.make_node("Mul", ["left", "right"], ["product"]),
        helper.make_node("ReduceMean", ["product", "axes"], ["logits"], keepdims=0),
    ]
    axes = {"axes": np.array([2, 3], dtype=np.int64)}
    lens = Inspector(model(nodes, {"x": ["n", 4, 3, 3]}, {"logits": ["n", 2]}, axes))
    x = normal(2, 4, 3, 3)
    assert list(lens.activations(x, ["right", "left"])) == ["left", "right"]
    np.testing.assert_array_equal(lens.activations(x, "right")["right"], x[:, 2:])
    gradient = lens.gradient(x, 1, wrt="right")
    np.testing.assert_allclose(gradient[:, 1], x[:, 1] / 9, rtol=1e-6)
    assert not gradient[:, 0].any()
    assert lens.resolve_layer("right").shape == ("n", 2, 3, 3)
    assert lens.explain(x, "gradcam", target=1, layer="right").layer == "right"


@pytest.mark.parametrize("wrt", [None, "conv", "max_pool", "logits"])
def test_the_check_of_the_lens(wrt: str | None) -> None:
    verdict = Inspector(cnn(final="Softmax")).check(
        images(2), target=[None, Target(label=3).log_probability()], wrt=wrt
    )
    assert verdict.passed, str(verdict)
    assert verdict.precision == "float64"


def test_a_gradient_of_zero_is_no_passed_check() -> None:
    verdict = Inspector(cnn()).check(images(1), target=0 * Target(label=1))
    assert verdict.verdict == "vacuous"
    assert not verdict.passed


@pytest.mark.parametrize("reverse", [0, 1])
def test_samples_that_meet_are_checked_together(reverse: int) -> None:
    """Their axis is one of time: the score of the first step, or of the last, is the same without the others."""
    nodes = [
        helper.make_node("Tanh", ["x"], ["bounded"]),
        helper.make_node("CumSum", ["bounded", "time"], ["logits"], reverse=reverse),
    ]
    lens = Inspector(model(nodes, {"x": ["n", 3]}, {"logits": ["n", 3]}, {"time": np.array(0)}))
    verdict = lens.check(normal(4, 3, scale=1.0), 1)
    assert verdict.passed, str(verdict)


@pytest.mark.parametrize("samples", [1, 3, 5])
def test_weights_for_each_place_in_a_batch(samples: int) -> None:
    """Onnxruntime's own mul_1.onnx: a product with one row of weights for each of three samples."""
    proto = model(
        [helper.make_node("Mul", ["x", "w"], ["y"])], {"x": [3, 2]}, {"y": [3, 2]}, {"w": normal(3, 2)}
    )
    lens = Inspector(proto)
    x = normal(samples, 2, seed=1)
    verdict = lens.check(x, 1)
    assert verdict.passed, str(verdict)
    rows = np.arange(samples) % 3
    np.testing.assert_allclose(
        lens.gradient(x, 1), np.stack([np.zeros(samples), normal(3, 2)[rows, 1]], axis=1), rtol=1e-6
    )


def test_the_check_of_a_converted_model_uses_the_file_as_loaded() -> None:
    assert Inspector(cnn(opset=13)).check(images(1), wrt="relu").passed


def test_half_precision() -> None:
    from onnx import numpy_helper

    weights = {"w": normal(4, 3, 3, 3).astype(np.float16), "fc": normal(4 * 36, 5).astype(np.float16)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["conv"]),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("Flatten", ["relu"], ["flat"]),
        helper.make_node("MatMul", ["flat", "fc"], ["logits"]),
    ]
    proto = model(nodes, {"x": ["n", 3, 8, 8]}, {"logits": ["n", 5]}, weights, dtype=onnx.TensorProto.FLOAT16)
    x = images(2, size=8).astype(np.float16)
    lens = Inspector(proto)
    single = onnx.ModelProto()
    single.CopyFrom(proto)
    for value in (*single.graph.input, *single.graph.output):
        value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    for tensor in single.graph.initializer:
        tensor.CopyFrom(
            numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name)
        )
    half, full = lens.explain(x, target=2), Inspector(single).explain(x.astype(np.float32), target=2)
    assert lens.gradient(x, 2).dtype == np.float16
    np.testing.assert_allclose(half.heatmap, full.heatmap, atol=2e-2)


def test_the_names_are_imported_late() -> None:
    code = "import sys, inspector; print(*sorted({'onnx', 'onnx_ir', 'numpy', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_conversion_that_changes_the_model_is_refused() -> None:
    """Upsampling that the converter got wrong would give another model's gradients."""
    lens = Inspector(cnn(opset=13))
    other = cnn_weights()
    other["conv.weight"] *= np.float32(1.1)
    lens.model.__dict__["normalised"] = Inspector(cnn(weights=other)).model.graph
    with pytest.raises(
        ModelError, match=r"from opset 13 changes its output 'logits'.*export it again at opset 18"
    ):
        lens.gradient(images())


def test_control_flow_is_passed_by() -> None:
    def branch(operator: str, name: str) -> onnx.GraphProto:
        return helper.make_graph(
            [helper.make_node(operator, ["conv"], [name])],
            name,
            [],
            [helper.make_tensor_value_info(name, 1, None)],
        )

    nodes = [
        helper.make_node("Conv", ["x", "w"], ["conv"]),
        helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0),
        helper.make_node("Greater", ["sum", "zero"], ["positive"]),
        helper.make_node(
            "If", ["positive"], ["maps"], then_branch=branch("Relu", "a"), else_branch=branch("Neg", "b")
        ),
        helper.make_node("GlobalAveragePool", ["maps"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["logits"]),
    ]
    weights = {"w": normal(4, 3, 3, 3), "zero": np.float32(0)}
    lens = Inspector(model(nodes, {"x": ["n", 3, 8, 8]}, {"logits": ["n", 4]}, weights))
    x = images(2, size=8)
    assert lens.activations(x)["maps"].shape == (2, 4, 6, 6)
    assert lens.explain(x, target=1).layer == "maps"
    # the condition looks at the whole batch, so each image is checked alone
    assert lens.check(x[:1], 1).passed


def test_several_targets_of_one_sample_are_an_explanation_each() -> None:
    lens, x = Inspector(cnn()), images(2)
    first, second = lens.explain_each(x, [[3, "logits[1]"], ["top[1]"]], method="saliency")
    assert [len(first), len(second)] == [2, 1]
    for found, row, target in ((first[0], 0, 3), (first[1], 0, "logits[1]"), (second[0], 1, "top[1]")):
        alone = lens.explain(x[row : row + 1], "saliency", target=target)
        np.testing.assert_allclose(found.heatmap, alone.heatmap, atol=1e-6)
        assert (found.target, found.method) == (alone.target, alone.method)
        np.testing.assert_allclose(found.score, alone.score, rtol=1e-6)
    with pytest.raises(TargetError, match="1 lists of targets for 2 samples"):
        lens.explain_each(x, [[1]])
    with pytest.raises(TargetError, match="several for one sample: explain_each"):
        lens.explain(x, target=[[1, 2], [3]])  # type: ignore[list-item]


def test_every_result_of_a_node_has_an_activation() -> None:
    nodes = [
        helper.make_node("Split", ["x"], ["head", "tail"], axis=1, num_outputs=2),
        helper.make_node("MaxPool", ["x"], ["largest", "places"], kernel_shape=[5, 5]),
        helper.make_node("Concat", ["tail", "head"], ["y"], axis=1),
    ]
    lens = Inspector(model(nodes, {"x": ["n", 4, 5, 5]}, {"y": ["n", 4, 5, 5]}))
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 5)).astype(np.float32)
    found = lens.activations(x)
    assert set(found) == {"head", "tail", "largest", "places", "y"}
    np.testing.assert_array_equal(found["head"], x[:, :2])
    np.testing.assert_array_equal(found["tail"], x[:, 2:])
    np.testing.assert_array_equal(x.reshape(-1)[found["places"]], found["largest"])
    assert {layer.name for layer in lens.layers()} == {"head", "largest", "y"}
    shapes = {layer.name: layer.shape for layer in lens.results()}
    assert shapes["tail"] == ("n", 2, 5, 5)
    assert shapes["places"] == ("n", 4, 1, 1)


def test_what_a_target_asks_is_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from inspector.lens import asked as module

    seen: list[object] = []
    resolve = module.resolve
    monkeypatch.setattr(
        module, "resolve", lambda target, *rest: seen.append(target) or resolve(target, *rest)
    )
    lens, x = Inspector(cnn()), images(3)
    first = [lens.gradient(x, target=target) for target in (1, 2, None)]
    again = [lens.gradient(x, target=target) for target in (1, 2, None)]
    assert seen == [1, 2, None]
    np.testing.assert_array_equal(first, again)
    # another number of samples, another score and what is no class number are other questions
    lens.gradient(x[:1], target=1)
    lens.gradient(x, target=1, score="output")
    with pytest.raises(TargetError):
        lens.gradient(x, target=True)
    assert seen == [1, 2, None, 1, 1, True]


@pytest.mark.parametrize(("target", "rank"), [(None, 1), ("top[0]", 1), ("top[1]", 2)])
def test_what_the_samples_decide_is_found_anew(target: str | None, rank: int) -> None:
    lens = Inspector(cnn())
    x = images(8)
    classes = lens.run(x)["logits"].argsort(axis=1)[:, -rank]
    assert len(set(classes)) > 1
    for one, number in zip(x, classes, strict=True):
        own = lens.gradient(one[None], target=target)
        np.testing.assert_array_equal(own, lens.gradient(one[None], target=int(number)))

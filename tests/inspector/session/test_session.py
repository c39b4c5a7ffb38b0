from __future__ import annotations

import warnings
from importlib import metadata

import numpy as np
import pytest
from onnx import helper

from inspector import Inspector
from inspector.errors import InputError, InspectorError, ModelError
from inspector.session import Cache, Session, choose_providers
from inspector.session import providers as providers_module
from inspector.session.session import SHRINK, STOPS_SPINNING
from tests.inspector.graphs import cnn, images, model, normal


def test_cpu_is_asked_for_explicitly() -> None:
    assert choose_providers("cpu") == ["CPUExecutionProvider"]
    assert choose_providers(["CPUExecutionProvider"]) == ["CPUExecutionProvider"]
    assert Session(cnn(), "cpu", threads=1).providers == ["CPUExecutionProvider"]


def test_without_a_driver_cuda_is_not_chosen_and_asking_for_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(providers_module, "cuda_driver_present", lambda: False)
    assert choose_providers(None) == ["CPUExecutionProvider"]
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    with pytest.raises(InspectorError, match="no NVIDIA driver"):
        choose_providers("cuda")


def test_with_a_driver_cuda_comes_first_in_full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    monkeypatch.setattr(providers_module, "cuda_driver_present", lambda: True)
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    (name, options), cpu = choose_providers(None)
    assert (name, options["use_tf32"], cpu) == ("CUDAExecutionProvider", "0", "CPUExecutionProvider")


def test_an_unknown_provider_lists_those_that_there_are() -> None:
    with pytest.raises(InspectorError, match=r"no provider 'quantum'; it has .*CPUExecutionProvider"):
        choose_providers("quantum")


def test_two_wheels_over_each_other_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    providers_module.warn_of_two_wheels.cache_clear()
    monkeypatch.setattr(metadata, "version", lambda name: "1.0")
    with pytest.warns(RuntimeWarning, match="onnxruntime and onnxruntime-gpu"):
        choose_providers("cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        choose_providers("cpu")
    providers_module.warn_of_two_wheels.cache_clear()


def test_a_model_that_the_runtime_refuses() -> None:
    proto = model([helper.make_node("Conv", ["x", "y"], ["z"])], {"x": [2], "y": [3]}, {"z": None})
    with pytest.raises(ModelError, match="onnxruntime cannot load the model") as caught:
        Session(proto, "cpu")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("samples", [1, 2, 3, 5])
@pytest.mark.parametrize("batch", [1, 2, 4])
def test_a_file_with_a_fixed_batch_is_run_in_slices(batch: int, samples: int) -> None:
    x = images(samples)
    free, fixed = Inspector(cnn()), Inspector(cnn(batch=batch))
    np.testing.assert_allclose(fixed.run(x)["logits"], free.run(x)["logits"], atol=1e-5)
    np.testing.assert_allclose(fixed.activations(x)["relu"], free.activations(x)["relu"], atol=1e-5)
    targets = [3, 0, 7, 7, 2][:samples]
    np.testing.assert_allclose(
        fixed.gradient(x, targets, wrt="conv"), free.gradient(x, targets, wrt="conv"), atol=1e-6
    )


def two_inputs(batch: int | str) -> Inspector:
    """Each sample has a picture and two numbers; a bias is the same for all."""
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["conv"]),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("GlobalAveragePool", ["relu"], ["pool"]),
        helper.make_node("Flatten", ["pool"], ["flat"]),
        helper.make_node("Concat", ["flat", "extra"], ["joined"], axis=1),
        helper.make_node("Add", ["joined", "bias"], ["moved"]),
        helper.make_node("Gemm", ["moved", "dense"], ["y"]),
    ]
    weights = {"w": normal(5, 3, 3, 3), "dense": normal(7, 4)}
    inputs = {"image": [batch, 3, 8, 8], "extra": [batch, 2], "bias": [7]}
    return Inspector(model(nodes, inputs, {"y": [batch, 4]}, weights))


@pytest.mark.parametrize("samples", [1, 2, 3, 5])
@pytest.mark.parametrize("batch", [1, 2, 4])
def test_a_fixed_batch_of_several_inputs(batch: int, samples: int) -> None:
    fixed, free = two_inputs(batch), two_inputs("batch")
    x = {"image": images(samples, size=8), "extra": normal(samples, 2), "bias": normal(7)}
    targets = [3, 0, 1, 2, 2][:samples]
    np.testing.assert_allclose(fixed.run(x)["y"], free.run(x)["y"], rtol=1e-5, atol=1e-6)
    for name, value in free.activations(x).items():
        np.testing.assert_allclose(fixed.activations(x)[name], value, rtol=1e-5, atol=1e-6)
    for wrt in ("image", "extra", "conv"):
        found, expected = fixed.gradient(x, targets, wrt=wrt), free.gradient(x, targets, wrt=wrt)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    found, expected = (lens.explain(x, "gradcam", targets, layer="relu") for lens in (fixed, free))
    np.testing.assert_allclose(found.heatmap, expected.heatmap, rtol=1e-4, atol=1e-5)
    if samples == batch:
        found, expected = (lens.gradient(x, targets, wrt="bias") for lens in (fixed, free))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    else:
        with pytest.raises(InputError, match=rf"'bias', which all samples share.*\({batch}\)"):
            fixed.gradient(x, targets, wrt="bias")


def test_inputs_that_do_not_fit() -> None:
    lens = Inspector(cnn())
    x = images()
    cases = [
        (
            x.astype(np.float64),
            r"expected float32 \(batch, 3, 16, 16\), given float64 \(3, 3, 16, 16\).*dtype='float32'\)",
        ),
        ((255 * x).astype(np.uint8), r"expected float32 .*given uint8"),
        (x[:, :1], r"expected float32 \(batch, 3, 16, 16\), given float32 \(3, 1, 16, 16\)"),
        (x[0], r"given float32 \(3, 16, 16\); the batch axis is missing: give x\[None\]"),
        (x[:0], "is empty"),
        ([[1, 2], [3]], "a list whose parts differ in length"),
        ({"image": "cat"}, r"given str\d+ \(\)$"),
        ({"picture": x}, r"no input 'picture'; its inputs are 'image' float32"),
        ({}, r"input 'image' is missing"),
        (np.where(x > 2, np.nan, x).astype(np.float32), "contains NaN"),
        (np.where(x > 2, np.inf, x).astype(np.float32), "contains infinity"),
    ]
    for given, said in cases:
        with pytest.raises(InputError, match=said):
            lens.run(given)


def test_several_inputs_are_given_by_name_and_share_their_batch() -> None:
    lens = Inspector(
        model([helper.make_node("Add", ["a", "b"], ["y"])], {"a": ["n", 2], "b": ["n", 2]}, {"y": None})
    )
    a, b = np.ones((3, 2), np.float32), np.full((3, 2), 2, np.float32)
    np.testing.assert_array_equal(lens.run({"a": a, "b": b})["y"], a + b)
    with pytest.raises(InputError, match="has 2 inputs: give a dict with 'a' float32"):
        lens.run(a)
    with pytest.raises(InputError, match="'a' and 'b' share the dimension 'n', but have 3 and 2"):
        lens.run({"a": a, "b": b[:2]})


def test_the_cache_forgets_what_was_unused_longest() -> None:
    cache: Cache[str] = Cache(size=2)
    built = []

    def build(key: str) -> str:
        return cache.get(key, lambda: built.append(key) or key)  # type: ignore[func-returns-value]

    for key in ("a", "b", "a", "c", "a", "b"):
        assert build(key) == key
    assert built == ["a", "b", "c", "b"]


def test_one_compiled_session_serves_every_class_and_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    from inspector.objectives import evaluator

    compiled = []
    real = evaluator.Session
    monkeypatch.setattr(evaluator, "Session", lambda *args: compiled.append(args) or real(*args))
    lens = Inspector(cnn())
    for count, target in ((1, 3), (4, None), (2, [1, 2]), (3, "logits[4]")):
        lens.gradient(images(count), target)
    assert len(compiled) == 1
    # sums of classes, of however many, have one of their own: a class alone reads its own weights only
    for count, target in ((3, "logits[:4]"), (1, "logits[1:3]"), (2, ["logits[2]", "logits[:2]"])):
        lens.gradient(images(count), target)
    assert len(compiled) == 2


def test_a_pad_of_zeros_before_a_max_pool_counts() -> None:
    nodes = [
        helper.make_node("Pad", ["x", "pads"], ["padded"]),
        helper.make_node("MaxPool", ["padded"], ["y"], kernel_shape=[3, 3], strides=[2, 2]),
    ]
    pads = np.array([0, 0, 1, 1, 0, 0, 1, 1])
    graph = model(nodes, {"x": [1, 1, 4, 4]}, {"y": [1, 1, 2, 2]}, {"pads": pads})
    x = np.full((1, 1, 4, 4), -1, np.float32)
    assert Session(graph, "cpu").run({"x": x})["y"].tolist() == [[[[0, 0], [0, -1]]]]


def test_memory_for_large_inputs_is_not_kept_for_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    seen: list[object] = []
    make = onnxruntime.InferenceSession

    def record(message: bytes, options: onnxruntime.SessionOptions, **others: object) -> object:
        session = make(message, options, **others)
        seen.append(options.enable_cpu_mem_arena)
        return session

    monkeypatch.setattr(onnxruntime, "InferenceSession", record)
    node = helper.make_node("Relu", ["x"], ["y"])
    shapes: list[list[int | str | None]] = [[1, 3, 224, 224], [1, 3, 1024, 1024], ["N", 3, "H", "W"]]
    for shape in shapes:
        Session(model([node], {"x": shape}, {"y": shape}), "cpu")
    assert seen == [True, False, True]


def test_memory_of_a_run_on_inputs_that_turn_out_large_is_given_back() -> None:
    shape: list[int | str | None] = ["N", 3, "H", "W"]
    nodes = [helper.make_node("Exp", ["x"], ["a"]), helper.make_node("Neg", ["a"], ["y"])]
    session = Session(model(nodes, {"x": shape}, {"y": shape}), "cpu")
    small, large = normal(1, 3, 8, 8), normal(1, 3, 1024, 1024)
    assert session._options({"x": small}) is None
    options = session._options({"x": large})
    assert options.get_run_config_entry("memory.enable_memory_arena_shrinkage") == "cpu:0"
    np.testing.assert_allclose(session.run({"x": large})["y"], -np.exp(large), rtol=1e-6)
    np.testing.assert_allclose(session.run({"x": small})["y"], -np.exp(small), rtol=1e-6)


def test_idle_threads_leave_the_cores_to_others() -> None:
    session = Session(cnn(), "cpu", threads=2)
    assert session._session.get_session_options().get_session_config_entry(STOPS_SPINNING) == "1"


@pytest.mark.parametrize(
    ("shape", "kept"),
    [
        ((1, 3, 224, 224), True),
        ((64, 3, 224, 224), True),
        ((1, 3, 1024, 1024), False),
        ((3, 1024, 1024), False),
        ((128, 3, 224, 224), False),
    ],
)
def test_memory_is_kept_for_the_next_run_of_small_pictures(shape: tuple[int, ...], kept: bool) -> None:
    open_ended = model(
        [helper.make_node("Relu", ["x"], ["y"])], {"x": ["a", "b", "c", "d"][: len(shape)]}, {"y": None}
    )
    options = Session(open_ended, "cpu")._options({"x": np.broadcast_to(np.float32(1), shape)})
    assert (options is None) is kept
    if options is not None:
        assert options.get_run_config_entry(SHRINK) == "cpu:0"


@pytest.mark.parametrize("batch", ["n", 16, 1])
def test_a_file_of_a_fixed_batch_keeps_it_too(batch: int | str) -> None:
    small = model([helper.make_node("Relu", ["x"], ["y"])], {"x": [batch, 3, 224, 224]}, {"y": None})
    large = model([helper.make_node("Relu", ["x"], ["y"])], {"x": [batch, 3, 1024, 1024]}, {"y": None})
    assert Session(small, "cpu")._arena
    assert not Session(large, "cpu")._arena

"""One specification, two frameworks: the same layers, names, shapes, numbers of parameters, and functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trainers.data.line import HEADS, class_names
from trainers.errors import TrainerError
from trainers.models import SPECS, build_keras, build_torch, get_spec

MODELS = list(SPECS)


def parameters_by_hand(name: str) -> int:
    """Counted on paper: weights and biases of the convolution, the normalisation and the dense layers."""
    flat = 32 * 11 * 11
    trunk = 32 * (7 * 7 * (1 if name == "section1-mnist" else 3)) + 32 + 2 * 32
    if name == "section2-line":
        binary = (flat + 1) * 64 + 65
        return trunk + 3 * binary + (flat + 1) * 256 + 257 * 12
    return trunk + (flat + 1) * 1024 + 1025 * (10 if name == "section1-mnist" else 96)


def images(name: str, count: int = 2) -> np.ndarray:
    spec = get_spec(name)
    return np.random.default_rng(0).random((count, *spec.size, len(spec.channels)), np.float32)


def run_torch(module: Any, x: np.ndarray) -> list[np.ndarray]:
    import torch

    with torch.inference_mode():
        out = module.eval()(torch.from_numpy(x.transpose(0, 3, 1, 2).copy()))
    return [value.numpy() for value in (out if isinstance(out, tuple) else (out,))]


def run_keras(model: Any, x: np.ndarray) -> list[np.ndarray]:
    out = model(x, training=False)
    return [np.asarray(value) for value in (out if isinstance(out, list) else [out])]


def as_keras_weights(torch_value: np.ndarray, name: str) -> np.ndarray:
    """A PyTorch parameter in Keras's layout; rows that read the flat features change from CHW to HWC order."""
    if torch_value.ndim == 4:
        return torch_value.transpose(2, 3, 1, 0)
    if torch_value.ndim == 2:
        if torch_value.shape[1] == 32 * 11 * 11:
            maps = torch_value.reshape(-1, 32, 11, 11)
            return maps.transpose(2, 3, 1, 0).reshape(-1, len(torch_value))
        return torch_value.T
    return torch_value


@pytest.mark.parametrize("name", MODELS)
def test_the_specification_says_what_the_source_document_says(name: str) -> None:
    spec = get_spec(name)
    kinds = ["Convolution 2D", "ReLU", "Batch Normalization", "Max Pooling 2D"]
    taps = ["conv", "relu", "batch_norm", "max_pool"]
    shown = 3 if name == "section2-line" else 4
    assert spec.layers == dict(zip(taps[:shown], kinds[:shown], strict=True))
    assert spec.outputs == (tuple(HEADS) if name == "section2-line" else ("logits",))


def test_labels_are_those_of_the_data() -> None:
    assert SPECS["section1-line"].labels == {"logits": list(class_names())}
    assert SPECS["section1-mnist"].labels == {"logits": [str(digit) for digit in range(10)]}
    assert SPECS["section2-line"].labels == {head: list(names) for head, names in HEADS.items()}
    outputs = SPECS["section2-line"].output_metadata()
    assert {name: value["activation"] for name, value in outputs.items()} == {
        "length": "sigmoid", "width": "sigmoid", "angle": "softmax", "colour": "sigmoid",
    }  # fmt: skip


@pytest.mark.parametrize(("name", "channels"), [("section1-line", "RGB"), ("section1-mnist", "L")])
def test_the_input_s_metadata_name_layout_and_channels(name: str, channels: str) -> None:
    metadata = get_spec(name).input_metadata("NHWC")
    count = len(channels)
    assert metadata == {
        "layout": "NHWC", "range": [0, 1], "mean": [0.0] * count, "std": [1.0] * count,
        "channels": channels, "size": [28, 28],
    }  # fmt: skip


def test_an_unknown_model_is_refused_with_the_nearest() -> None:
    with pytest.raises(TrainerError, match="did you mean section1-line"):
        get_spec("section1-lines")


@pytest.mark.torch
@pytest.mark.parametrize("name", MODELS)
def test_torch_modules_have_the_names_shapes_and_parameters(name: str) -> None:
    spec = get_spec(name)
    module = build_torch(spec)
    assert sum(value.numel() for value in module.parameters()) == parameters_by_hand(name)
    assert set(spec.taps) <= dict(module.named_children()).keys()
    assert [value.shape for value in run_torch(module, images(name))] == [
        (2, head.units) for head in spec.heads
    ]


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", MODELS)
def test_keras_models_have_the_names_shapes_and_parameters(name: str) -> None:
    spec = get_spec(name)
    model = build_keras(spec)
    assert sum(int(np.prod(value.shape)) for value in model.trainable_variables) == parameters_by_hand(name)
    assert tuple(model.output_names) == spec.outputs
    assert model.inputs[0].name == "image"
    assert model.get_layer("conv").output.shape == (None, 22, 22, 32)
    assert model.get_layer("max_pool").output.shape == (None, 11, 11, 32)
    assert {*spec.taps} <= {layer.name for layer in model.layers}
    assert [value.shape for value in run_keras(model, images(name))] == [
        (2, head.units) for head in spec.heads
    ]


@pytest.mark.torch
@pytest.mark.tensorflow
@pytest.mark.parametrize("name", MODELS)
def test_with_the_same_weights_both_compute_the_same(name: str) -> None:
    import torch

    module, model = build_torch(get_spec(name), seed=1), build_keras(get_spec(name), seed=2)
    torch.manual_seed(0)
    with torch.no_grad():  # statistics other than 0 and 1, as after training
        module.get_submodule("batch_norm").running_mean.normal_()
        module.get_submodule("batch_norm").running_var.uniform_(0.5, 2)
    for layer_name, child in module.named_children():
        values = [
            as_keras_weights(value.numpy(), layer_name) for value in child.state_dict().values() if value.ndim
        ]
        model.get_layer(layer_name).set_weights(values)
    x = images(name, 3)
    for ours, theirs in zip(run_torch(module, x), run_keras(model, x), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5 * np.abs(theirs).max())


@pytest.mark.torch
def test_torch_weights_come_from_the_seed_and_leave_the_global_generator_alone() -> None:
    import torch

    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, again, other = (build_torch(SPECS["section2-line"], seed) for seed in (3, 3, 4))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first.get_parameter("conv.weight"), again.get_parameter("conv.weight"))
    assert not torch.equal(first.get_parameter("conv.weight"), other.get_parameter("conv.weight"))


@pytest.mark.tensorflow
def test_keras_weights_come_from_the_seed() -> None:
    first, again, other = (build_keras(SPECS["section2-line"], seed).get_weights() for seed in (3, 3, 4))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert (first[0] != other[0]).any()

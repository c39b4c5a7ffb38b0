"""The three models, freshly built in both frameworks, exported, and compared with them at every layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspector import Inspector
from tests.parity.comparison import compare, failures
from tests.parity.truth import Array
from trainers.data.line import generate
from trainers.models import SPECS, Spec, build_keras, build_torch


def pictures(spec: Spec) -> Array:
    """A line on a plain background and a noisy picture, uint8 (2, H, W, C)."""
    line = generate(images_per_class=5, seed=0).train_images[:1, :, :, : len(spec.channels)]
    noise = np.random.default_rng(0).integers(0, 256, line.shape, dtype=np.uint8)
    return np.concatenate([line, noise])


def statistics(size: int) -> list[Array]:
    """Scale, bias, mean and variance of a batch normalisation that has seen something."""
    random = np.random.default_rng(1)
    draws = [random.normal(1, 0.3, size), random.normal(0, 0.3, size), random.normal(0, 0.3, size)]
    return [draw.astype(np.float32) for draw in (*draws, random.uniform(0.3, 2, size))]


def metadata(spec: Spec, layout: str) -> dict[str, Any]:
    return {
        "labels": spec.labels,
        "layers": spec.layers,
        "input": spec.input_metadata(layout),
        "outputs": spec.output_metadata(),
    }


@pytest.mark.torch
@pytest.mark.parametrize("name", SPECS)
def test_torch(name: str, tmp_path: Path) -> None:
    import torch

    from export import export_torch

    spec = SPECS[name]
    torch.manual_seed(0)
    module = build_torch(spec)
    norm = module.get_submodule("batch_norm")
    with torch.no_grad():
        for tensor, value in zip(
            (norm.weight, norm.bias, norm.running_mean, norm.running_var), statistics(32), strict=True
        ):
            tensor.copy_(torch.from_numpy(value))
    path = tmp_path / "model.onnx"
    example = torch.zeros(1, len(spec.channels), *spec.size)
    export_torch(
        module, example, path, spec.taps, metadata=metadata(spec, "NCHW"), output_names=list(spec.outputs)
    )
    assert_agree(spec, module, path)


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", SPECS)
def test_keras(name: str, tmp_path: Path) -> None:
    from export import export_keras

    spec = SPECS[name]
    model = build_keras(spec)
    model.get_layer("batch_norm").set_weights(statistics(32))
    path = tmp_path / "model.onnx"
    export_keras(model, path, spec.taps, metadata=metadata(spec, "NHWC"), output_names=list(spec.outputs))
    assert_agree(spec, model, path)


def assert_agree(spec: Spec, module: Any, path: Path) -> None:
    rows = compare(spec.name, Inspector(path), spec, module, pictures(spec))
    print(*rows, sep="\n")
    assert [row.layer for row in rows] == [*spec.taps, "image"]
    assert not failures(rows), "\n".join(failures(rows))

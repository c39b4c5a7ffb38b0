"""Class activation maps beside pytorch-grad-cam's (`grad-cam`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import pytorch_grad_cam
import torch
from numpy.typing import NDArray
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from tests.peers.conftest import Parity
from tests.peers.networks import Network, network

PEER = "grad-cam"
SAME = {
    "gradcam": "GradCAM",
    "hirescam": "HiResCAM",
    "gradcam-elementwise": "GradCAMElementWise",
    "layercam": "LayerCAM",
    "xgradcam": "XGradCAM",
}
Maps = NDArray[np.float32]


@pytest.fixture
def unscaled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The peer's maps before they are enlarged and scaled."""

    def as_it_is(cam: Maps, target_size: Any = None) -> Maps:
        return np.asarray(cam, dtype=np.float32)

    monkeypatch.setattr("pytorch_grad_cam.base_cam.scale_cam_image", as_it_is)


def theirs(kind: str, of: Network, classes: Sequence[int], layer: str | None = None, **options: Any) -> Maps:
    """The peer's maps of one class per image."""
    made: Callable[..., Any] = getattr(pytorch_grad_cam, kind)
    given = options.pop("call", {})
    fold = tokens if of.name == "vit" else None
    with made(model=of.module, target_layers=[of.part(layer)], reshape_transform=fold, **options) as cam:
        maps: Maps = cam(of.tensor, [ClassifierOutputTarget(each) for each in classes], **given)
    return maps


def tokens(activations: torch.Tensor) -> torch.Tensor:
    """(N, 1 + 16, C) to (N, C, 4, 4)."""
    side = round((activations.shape[1] - 1) ** 0.5)
    return activations[:, 1:].reshape(len(activations), side, side, -1).permute(0, 3, 1, 2)


def between_0_and_1(maps: Maps) -> Maps:
    """As the peer scales: each image's smallest value becomes 0, the largest 1."""
    axes = tuple(range(1, maps.ndim))
    low = maps.min(axis=axes, keepdims=True)
    scaled: Maps = (maps - low) / (maps - low).max(axis=axes, keepdims=True)
    return scaled


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "vit"])
@pytest.mark.parametrize("method", SAME)
def test_maps(parity: Parity, unscaled: None, method: str, name: str) -> None:
    of = network(name)
    ours = of.lens.explain(of.x, method, target=of.top, layer=of.layer).map
    parity(method, ours, theirs(SAME[method], of, of.top), peer=PEER, called=SAME[method], network=name)


@pytest.mark.parametrize("name", ["resnet18", "vit"])
@pytest.mark.parametrize("method", SAME)
def test_heatmaps(parity: Parity, method: str, name: str) -> None:
    of = network(name)
    ours = between_0_and_1(of.lens.explain(of.x, method, target=of.top, layer=of.layer).raw)
    parity(
        method,
        *(ours, theirs(SAME[method], of, of.top)),
        peer=PEER,
        called=SAME[method],
        network=name,
        measure="heatmap",
        note="the peer subtracts the smallest value, so here too",
    )

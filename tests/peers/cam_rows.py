"""Class activation maps beside pytorch-grad-cam's (`grad-cam`), and guided Grad-CAM beside captum's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import pytorch_grad_cam
import torch
from captum.attr import GuidedGradCam
from pytorch_grad_cam.utils.svd_on_activations import get_2d_projection

from inspector import Target
from tests.peers.conftest import Parity
from tests.peers.grad_cam import PEER, Maps, as_it_is, between_0_and_1, by_largest, enlarged, scores, theirs
from tests.peers.networks import network

SAME = {
    "gradcam": "GradCAM",
    "hirescam": "HiResCAM",
    "gradcam-elementwise": "GradCAMElementWise",
    "layercam": "LayerCAM",
    "xgradcam": "XGradCAM",
}
NETWORKS = ["resnet18", "mobilenet_v3_small", "vit"]
TRAINED = "efficientnet-lite0"
SCALED = "both divided by their largest value"


@pytest.fixture
def unscaled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The peer's maps before they are enlarged and scaled."""
    monkeypatch.setattr("pytorch_grad_cam.base_cam.scale_cam_image", as_it_is)


@pytest.mark.parametrize("name", [*NETWORKS, TRAINED])
@pytest.mark.parametrize("method", SAME)
def test_maps(parity: Parity, unscaled: None, method: str, name: str) -> None:
    of = network(name)
    ours = of.lens.explain(of.x, method, target=of.top, layer=of.layer).map
    # channels of a layer without ReLU may sum to nearly nothing: XGrad-CAM's division magnifies each rounding
    wide = name == TRAINED
    parity(
        *(method, ours, theirs(SAME[method], of.double if wide else of, scores(of.top))),
        peer=PEER,
        called=SAME[method],
        network=name,
        note="the peer in double precision" if wide else "",
    )


@pytest.mark.parametrize("name", ["resnet18", "vit"])
@pytest.mark.parametrize("method", SAME)
def test_heatmaps(parity: Parity, method: str, name: str) -> None:
    of = network(name)
    ours = between_0_and_1(of.lens.explain(of.x, method, target=of.top, layer=of.layer).raw)
    parity(
        *(method, ours, theirs(SAME[method], of, scores(of.top))),
        peer=PEER,
        called=SAME[method],
        network=name,
        measure="heatmap",
        note="the peer subtracts the smallest value: here too",
    )


# its denominator has poles where channels sum to negative values: those of ReLU networks do not
@pytest.mark.parametrize("name", ["plain", "resnet18"])
def test_grad_cam_plus_plus(parity: Parity, unscaled: None, name: str) -> None:
    of = network(name)
    large = [1000 * Target(index=each) for each in of.top]
    ours = of.lens.explain(of.x, "gradcam++", target=large, layer=of.layer).map
    parity(
        *("gradcam++", ours, theirs("GradCAMPlusPlus", of, scores(of.top, 1000))),
        peer=PEER,
        called="GradCAMPlusPlus",
        network=name,
        note="of 1000 times the score: beside it the peer's 1e-6 in the denominator is nothing",
    )


@pytest.mark.parametrize("name", [*NETWORKS, TRAINED])
@pytest.mark.parametrize("method", ["eigencam", "eigengradcam"])
def test_first_components(parity: Parity, method: str, name: str) -> None:
    of = network(name)
    ours = of.lens.explain(of.x, method, target=of.top, layer=of.layer).map
    called = {"eigencam": "EigenCAM", "eigengradcam": "EigenGradCAM"}[method]
    with getattr(pytorch_grad_cam, called)(of.module, [of.part()], None) as cam:
        evidence = of.lens.activations(of.x, layers=of.layer)[of.layer]
        gradient = np.ones_like(evidence)
        if method == "eigengradcam":
            gradient = of.lens.gradient(of.x, of.top, wrt=of.layer)
        if name == "vit":
            evidence, gradient = (
                each[:, 1:].reshape(len(each), 4, 4, -1).transpose(0, 3, 1, 2)
                for each in (evidence, gradient)
            )
        found = cam.get_cam_image(None, None, None, evidence, gradient, False)
    sign = np.sign((found * (evidence * gradient).sum(axis=1)).sum(axis=(1, 2), keepdims=True))
    parity(
        *(method, ours, np.maximum(sign * found, 0)),
        peer=PEER,
        called=called,
        network=name,
        note="the peer's sign turned to go with the sum of the channels",
    )


@pytest.mark.parametrize("name", [*NETWORKS, TRAINED])
def test_kernel_components(parity: Parity, name: str) -> None:
    of = network(name)
    ours = of.lens.explain(of.x, "kpcacam", layer=of.layer).map
    evidence = of.lens.activations(of.x, layers=of.layer)[of.layer].astype(np.float64)
    if name == "vit":
        evidence = evidence[:, 1:].reshape(len(evidence), 4, 4, -1).transpose(0, 3, 1, 2)
    with pytorch_grad_cam.KPCA_CAM(of.module, [of.part()], None) as cam:
        found = cam.get_cam_image(None, None, None, evidence, None, False)
    sign = np.sign((found * evidence.sum(axis=1)).sum(axis=(1, 2), keepdims=True))
    parity(
        *("kpcacam", ours, np.maximum(sign * found, 0)),
        peer=PEER,
        called="KPCA_CAM",
        network=name,
        note="the peer's sign turned to go with the sum of the channels",
    )


@pytest.mark.parametrize("name", ["plain", "resnet18", "mobilenet_v3_small"])
def test_score_cam(parity: Parity, unscaled: None, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    of = network(name)

    def half_pixel(size: Sequence[int]) -> torch.nn.Module:
        return torch.nn.Upsample(size=tuple(size), mode="bilinear", align_corners=False)

    monkeypatch.setattr(torch.nn, "UpsamplingBilinear2d", half_pixel)
    ours = of.lens.explain(of.x, "scorecam", target=of.top, layer=of.layer).map
    parity(
        *("scorecam", by_largest(ours), by_largest(theirs("ScoreCAM", of, scores(of.top)))),
        peer=PEER,
        called="ScoreCAM",
        network=name,
        note=f"the peer's masks enlarged by half-pixel interpolation; {SCALED} (here constant channels have no weight)",
    )


@pytest.mark.parametrize("name", ["plain", "resnet18"])
def test_ablation_cam(parity: Parity, unscaled: None, name: str) -> None:
    of = network(name)
    explained = of.lens.explain(of.x, "ablationcam", target=of.top, layer=of.layer)
    assert (explained.score > 0).all()
    parity(
        *("ablationcam", by_largest(explained.map), by_largest(theirs("AblationCAM", of, scores(of.top)))),
        peer=PEER,
        called="AblationCAM",
        network=name,
        note=f"{SCALED} (the peer's weights are divided by the score)",
    )


@pytest.mark.parametrize("name", ["plain", "resnet18", "mobilenet_v3_small", TRAINED])
def test_full_gradient(parity: Parity, name: str) -> None:
    of = network(name)
    large = [1e4 * Target(index=each) for each in of.top]
    ours = between_0_and_1(of.lens.explain(of.x, "fullgrad", target=large).raw)
    parity(
        *("fullgrad", ours, theirs("FullGrad", of, scores(of.top, 1e4))),
        peer=PEER,
        called="FullGrad",
        network=name,
        measure="heatmap",
        note="of 10000 times the score: beside it the peer's 1e-7 in each division is nothing",
    )


@pytest.mark.parametrize("name", [*NETWORKS, TRAINED])
def test_finer_cam(parity: Parity, unscaled: None, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    of = network(name)

    def constant(chosen: int, others: Sequence[int], alpha: float) -> Callable[[torch.Tensor], torch.Tensor]:
        def difference(output: torch.Tensor) -> torch.Tensor:
            weight = torch.softmax(output[list(others)], 0).detach()
            return output[chosen] - alpha * (weight * output[list(others)]).sum()

        return difference

    monkeypatch.setattr("pytorch_grad_cam.finer_cam.FinerWeightedTarget", constant)
    ours = of.lens.explain(of.x, "finercam", layer=of.layer).map
    parity(
        *("finercam", ours, theirs("FinerCAM", of, None)),  # type: ignore[arg-type]
        peer=PEER,
        called="FinerCAM",
        network=name,
        note="the peer's weights of the similar classes held constant",
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_eigen_smoothing(parity: Parity, unscaled: None, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    of = network(name)

    def signed(maps: Maps) -> Maps:
        found = get_2d_projection(maps)
        turned: Maps = found * np.sign((found * maps.sum(axis=1)).sum(axis=(1, 2), keepdims=True))
        return turned

    monkeypatch.setattr("pytorch_grad_cam.base_cam.get_2d_projection", signed)
    ours = of.lens.explain(of.x, "gradcam", target=of.top, layer=of.layer, eigen_smooth=True).map
    parity(
        *("gradcam, eigen_smooth", ours, theirs("GradCAM", of, scores(of.top), eigen_smooth=True)),
        peer=PEER,
        called="GradCAM(eigen_smooth)",
        network=name,
        note="the peer's sign turned to go with the sum of the channels",
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_augmentation_smoothing(parity: Parity, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    of = network(name)
    monkeypatch.setattr("pytorch_grad_cam.base_cam.scale_cam_image", by_largest)
    ours = of.lens.explain(of.x, "layercam", target=of.top, layer=of.layer, aug_smooth=True).map
    parity(
        *("layercam, aug_smooth", ours, theirs("LayerCAM", of, scores(of.top), aug_smooth=True)),
        peer=PEER,
        called="LayerCAM(aug_smooth)",
        network=name,
        note="each map divided by its largest value on both sides",
    )


def test_several_layers(parity: Parity, monkeypatch: pytest.MonkeyPatch) -> None:
    of = network("resnet18")
    monkeypatch.setattr("pytorch_grad_cam.base_cam.scale_cam_image", enlarged)
    found: Any = of.lens.explain(of.x, "layercam", target=of.top, layer=list(of.layers))
    peers = theirs("LayerCAM", of, scores(of.top), of.layers)
    parity(
        *("layercam, 3 layers", by_largest(found.raw), peers),
        peer=PEER,
        called="LayerCAM",
        network="resnet18",
        measure="heatmap",
        note="the mean of the layers' maps, each enlarged and divided by its largest value on both sides",
    )


@pytest.mark.parametrize("layer", ["4", "7"])
@pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU activations")
def test_guided_grad_cam(parity: Parity, layer: str) -> None:
    of = network("plain")
    ours = of.lens.explain(of.x, "guided-gradcam", target=of.top, layer=layer).raw
    peer = GuidedGradCam(of.module, of.part(layer))
    found = peer.attribute(of.tensor.requires_grad_(), target=of.top, interpolate_mode="bilinear")
    parity(
        *("guided-gradcam", ours, found.detach().numpy().sum(axis=1)),
        peer="captum",
        called="GuidedGradCam",
        network="plain",
        measure=f"map of layer {layer}",
        note="enlarged bilinearly; the peer's summed over the colours",
    )

"""Where class activation maps of pytorch-grad-cam (`grad-cam`) differ, and why: both behaviours are asserted."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import pytorch_grad_cam
import torch
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.svd_on_activations import get_2d_projection
from torch import nn

from inspector import Target
from inspector.errors import TargetError
from inspector.explain import upsample
from inspector.explain.cams.component import first_component
from inspector.explain.heatmap import scale
from tests.peers.conftest import Parity
from tests.peers.grad_cam import PEER, as_it_is, by_largest, scores, theirs
from tests.peers.networks import CLASSES, made, network
from tests.peers.row import difference

SMALL, LARGE = 1e-4, 1e-2


@pytest.fixture
def unscaled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The peer's maps before they are enlarged and scaled."""
    monkeypatch.setattr("pytorch_grad_cam.base_cam.scale_cam_image", as_it_is)


def test_grad_cam_plus_plus_of_small_scores(parity: Parity, unscaled: None) -> None:
    of = network("resnet18")
    target = [1e-3 * Target(index=each) for each in of.top]
    ours = of.lens.explain(of.x, "gradcam++", target=target, layer=of.layer).map
    a = of.lens.activations(of.x, layers=of.layer)[of.layer].astype(float)
    g = of.lens.gradient(of.x, target, wrt=of.layer).astype(float)
    # equation 19 with the derivatives of exp(score), whose common factor is left out, in double precision
    bottom = 2 * g**2 + a.sum(axis=(2, 3), keepdims=True) * g**3
    alpha = np.divide(g**2, bottom, out=np.zeros_like(g), where=bottom != 0)
    weight = (alpha * np.maximum(g, 0)).sum(axis=(2, 3), keepdims=True)
    expected = np.maximum((weight * a).sum(axis=1), 0)
    assert difference(ours, expected) < SMALL
    found = theirs("GradCAMPlusPlus", of, scores(of.top, 1e-3))
    assert difference(by_largest(found), by_largest(expected)) > LARGE
    parity.differs(
        "gradcam++",
        peer=PEER,
        what="gradients of 1e-3 and less (a score times 1e-3)",
        theirs="1e-6 is added to equation 19's denominator of squared gradients and outweighs it: another map",
        ours="equation 19 in double precision to 1e-4",
    )


def test_the_sign_of_a_principal_component(parity: Parity) -> None:
    of = network("resnet18")
    a = of.lens.activations(of.x, layers=of.layer)[of.layer]
    rng = np.random.default_rng(0)
    total = a.sum(axis=1)
    agree = {"theirs": set(), "ours": set()}  # type: ignore[var-annotated]
    for _ in range(12):
        mixed = a[:, rng.permutation(a.shape[1])]
        for name, found in (("theirs", get_2d_projection(mixed)), ("ours", first_component(mixed))):
            agree[name] |= {bool(each > 0) for each in (found * total).sum(axis=(1, 2))}
    assert agree == {"theirs": {False, True}, "ours": {True}}
    parity.differs(
        "eigencam",
        peer=PEER,
        what="the same layer with its channels in another order",
        theirs="a singular vector's arbitrary sign decides whether the object or its surroundings light up",
        ours="the map goes with the sum of the activations, in every order",
    )


class WithSoftmax(nn.Module):
    """A classifier that returns probabilities."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        probabilities: torch.Tensor = self.module(x).softmax(dim=1)
        return probabilities


def half_pixel(size: Sequence[int]) -> nn.Module:
    return nn.Upsample(size=tuple(size), mode="bilinear", align_corners=False)


def test_score_cam_of_a_model_that_ends_with_a_softmax(
    parity: Parity, unscaled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = copy.deepcopy(network("plain").module)
    # a trained classifier's logits are further apart than a random one's
    module[-1].weight.data *= 20  # type: ignore[index, union-attr, operator]
    plain = made("plain, sharp", module, network("plain").x, ("7",))
    of = made("plain with softmax", WithSoftmax(module), plain.x, ("module.7",))
    monkeypatch.setattr(nn, "UpsamplingBilinear2d", half_pixel)
    logits = plain.lens.explain(plain.x, "scorecam", target=plain.top, layer="7").map
    ours = of.lens.explain(of.x, "scorecam", target=plain.top, layer="module.7").map
    assert difference(ours, logits) < SMALL
    found = theirs("ScoreCAM", of, scores(plain.top))
    # its weights, a softmax of numbers in [0, 1]
    flat = by_largest(plain.lens.activations(plain.x, layers="7")["7"].mean(axis=1))
    assert difference(by_largest(found), flat) < difference(by_largest(logits), flat) / 3
    assert difference(by_largest(found), by_largest(logits)) > LARGE
    parity.differs(
        "scorecam",
        peer=PEER,
        what="a model that returns probabilities",
        theirs="a second softmax, over the channels' probabilities: nearly equal weights, the mean of all channels",
        ours='the logits before the softmax, as of the model without it; `score="output"` weighs by the probabilities',
    )


def test_score_cam_masks_where_the_channel_is(parity: Parity, unscaled: None) -> None:
    peak = np.zeros((1, 7, 7), np.float32)
    peak[0, 1, 1] = 1
    aligned = nn.UpsamplingBilinear2d(size=(224, 224))(torch.from_numpy(peak)[None])[0, 0].numpy()
    place = [int(index) for index in np.unravel_index(aligned.argmax(), aligned.shape)]
    assert place == [37, 37]
    # cell 1 of 7 covers pixels 32 to 63
    centre = np.mean(np.argwhere(upsample(peak, (224, 224))[0] >= upsample(peak, (224, 224)).max()), axis=0)
    assert list(centre) == [47.5, 47.5]
    of = network("plain")
    ours = of.lens.explain(of.x, "scorecam", target=of.top, layer=of.layer).map
    assert difference(by_largest(theirs("ScoreCAM", of, scores(of.top))), by_largest(ours)) > SMALL
    parity.differs(
        "scorecam",
        peer=PEER,
        what="a channel with its peak in cell 1 of 7, enlarged to 224 to mask the picture",
        theirs="corner-aligned interpolation: the mask's peak is at pixel 37, ten pixels from the cell's centre",
        ours="half-pixel interpolation: at 47.5, the cell's centre",
    )


def test_ablation_of_a_negative_score(parity: Parity, unscaled: None) -> None:
    of = network("plain")
    with torch.no_grad():
        low = [int(each) for each in of.module(of.tensor).argmin(dim=1)]
    explained = of.lens.explain(of.x, "ablationcam", target=low, layer=of.layer)
    assert (explained.score < 0).all()
    opposite = of.lens.explain(
        of.x, "ablationcam", target=[-1 * Target(index=each) for each in low], layer=of.layer
    )
    found = by_largest(theirs("AblationCAM", of, scores(low)))
    assert difference(found, by_largest(opposite.map)) < SMALL
    assert difference(found, scale(explained.map)) > LARGE
    parity.differs(
        "ablationcam",
        peer=PEER,
        what="a target with a negative score",
        theirs="weights are divided by the score: the map shows what speaks against the target",
        ours="weights are what the score loses: the map shows what speaks for it",
    )


def test_ablation_of_channels_with_negative_values(parity: Parity, unscaled: None) -> None:
    of = network("mobilenet_v3_small")
    assert of.lens.activations(of.x, layers=of.layer)[of.layer].min() < 0
    ours = of.lens.explain(of.x, "ablationcam", target=of.top, layer=of.layer)
    found = theirs("AblationCAM", of, scores(of.top))
    assert difference(scale(found), scale(ours.map)) > LARGE
    parity.differs(
        "ablationcam",
        peer=PEER,
        what="a layer with negative values (hard-swish, no ReLU)",
        theirs="a channel is set to its smallest value less 1e7, far from anything the network has seen",
        ours="a channel is set to zero, as the paper has it",
    )


def test_finer_cam_differentiates_its_weights(parity: Parity, unscaled: None) -> None:
    of = network("resnet18")
    ours = of.lens.explain(of.x, "finercam", layer=of.layer).map
    assert difference(by_largest(theirs("FinerCAM", of, None)), by_largest(ours)) > LARGE  # type: ignore[arg-type]
    parity.differs(
        "finercam",
        peer=PEER,
        what="the weights of the similar classes, which are softmax probabilities",
        theirs="the gradient runs through the weights too",
        ours="the weights are constants (see the row above, where the peer's are held constant)",
    )


def test_fem_of_the_paper(parity: Parity, unscaled: None) -> None:
    of = network("resnet18")
    ours = of.lens.explain(of.x, "fem", target=of.top, layer=of.layer, k=1.0).map
    a = of.lens.activations(of.x, layers=of.layer)[of.layer].astype(float)
    mean, spread = a.mean(axis=(2, 3), keepdims=True), a.std(axis=(2, 3), keepdims=True)
    strong = a > mean + spread
    assert difference(ours, (mean * strong).sum(axis=1)) < SMALL
    with pytorch_grad_cam.FEM(of.module, [of.part()], k=1) as cam:
        found = cam(of.tensor, scores(of.top))
    assert difference(found, (strong.mean(axis=(2, 3), keepdims=True) * a).sum(axis=1)) < SMALL
    assert difference(by_largest(found), by_largest(ours)) > LARGE
    parity.differs(
        "fem",
        peer=PEER,
        what="which part of a channel is added with which weight",
        theirs="the whole channel, weighed by the share of its places above the threshold",
        ours="as the paper has it: the places above the threshold, weighed by the channel's mean",
    )


def test_too_few_targets(parity: Parity) -> None:
    of = network("plain")
    found = theirs("GradCAM", of, scores(of.top[:1]))
    assert found[0].any()
    assert not found[1].any()
    with pytest.raises(TargetError):
        of.lens.explain(of.x, "gradcam", target=of.top[:1], layer=of.layer)
    parity.differs(
        "gradcam",
        peer=PEER,
        what="one target for a batch of two",
        theirs="the second image's map is zero, without a word",
        ours="refused",
    )


def test_a_constant_map(parity: Parity) -> None:
    flat: Any = np.full((1, 4, 4), 3, np.float32)
    assert not scale_cam_image(flat).any()
    assert (scale(flat) == 1).all()
    assert not scale(flat * 0).any()
    parity.differs(
        "gradcam",
        peer=PEER,
        what="a map that is the same everywhere, but not zero",
        theirs="its smallest value is subtracted: zero everywhere, as if nothing spoke for the class",
        ours="divided by its largest value: 1 everywhere; only a map of zeros stays zero, and a note says why it is",
    )


def test_volumes_are_enlarged_in_place(parity: Parity) -> None:
    peak = np.zeros((1, 7, 7, 7), np.float32)
    peak[0, 1, 1, 1] = 1
    found = scale_cam_image(peak, (56, 56, 56))[0]
    ours = upsample(peak, (56, 56, 56))[0]
    assert np.unravel_index(found.argmax(), found.shape)[0] in (9, 10)
    assert list(np.mean(np.argwhere(ours == ours.max()), axis=0)) == [11.5, 11.5, 11.5]
    assert found.min() < 0 <= ours.min()
    parity.differs(
        "gradcam",
        peer=PEER,
        what="a volume with its peak in cell 1 of 7, enlarged to 56",
        theirs="corner-aligned cubic splines: the peak is at 9 to 10, and there are negative values beside it",
        ours="half-pixel linear interpolation: at 11.5, the cell's centre; nothing is negative",
    )


def test_the_default_target_of_a_map_of_classes(parity: Parity) -> None:
    torch.manual_seed(0)
    segmenting = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, CLASSES, 1))
    of = made("segmentation", segmenting, network("plain").x, ("1",))
    with torch.no_grad():
        predicted = segmenting(of.tensor).argmax(dim=1).flatten(1)
    most = [int(each.mode().values) for each in predicted]
    ours = of.lens.explain(of.x, "gradcam", layer="1")
    assert ours.target == tuple(f"output={number}" for number in most)
    with pytest.raises((RuntimeError, IndexError)):
        theirs("GradCAM", of, None, ["1"])  # type: ignore[arg-type]
    parity.differs(
        "gradcam",
        peer=PEER,
        what="no target given, and an output (N, classes, H, W)",
        theirs="the largest is taken along the width, and nothing can be differentiated",
        ours="the class that most pixels predict",
    )

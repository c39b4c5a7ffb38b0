"""DeepLIFT beside captum's: where they agree, and three places where they do not."""

from __future__ import annotations

from typing import Any

import captum.attr
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from tests.peers.conftest import Parity
from tests.peers.networks import made, network

PEER = "captum"
START = 0.4
# what the peer says each time that it overrides what is not linear
pytestmark = pytest.mark.filterwarnings("ignore:Setting forward, backward hooks")


class Apart(nn.Module):
    """Hands on the same values in a tensor of their own."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 1


def spaced(module: nn.Module) -> nn.Module:
    """Two layers that are not linear no longer share a tensor."""
    parts = [[part, Apart()] if isinstance(part, nn.ReLU) else [part] for part in module.children()]
    return nn.Sequential(*(part for each in parts for part in each))


def theirs(
    module: nn.Module, x: NDArray[np.float32], target: list[int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The peer's attributions, summed over the colours, and by how much they miss the change of the score."""
    asked = torch.from_numpy(x.copy()).requires_grad_()
    found, gap = captum.attr.DeepLift(module).attribute(
        asked, START, target=target, return_convergence_delta=True
    )
    return found.detach().sum(dim=1).numpy(), gap.detach().numpy()


@pytest.mark.parametrize("name", ["plain", "unbiased"])
def test_deeplift(parity: Parity, name: str) -> None:
    of = network(name)
    found, _ = theirs(spaced(of.module), of.x, of.top)
    ours = of.lens.explain(of.x, "deeplift", target=of.top, baseline=START).raw
    note = "for the peer a multiplication by 1 behind each ReLU: see below"
    parity("deeplift", ours, found, peer=PEER, called="DeepLift", network=name, note=note)


@pytest.mark.parametrize("name", ["plain", "unbiased"])
def test_deep_shap(parity: Parity, name: str) -> None:
    of = network(name)
    references = np.random.default_rng(3).normal(size=(3, *of.x.shape[1:])).astype(np.float32)
    asked = torch.from_numpy(of.x.copy()).requires_grad_()
    there = captum.attr.DeepLiftShap(spaced(of.module))
    found = there.attribute(asked, torch.from_numpy(references), target=of.top).detach().sum(dim=1).numpy()
    ours = of.lens.explain(of.x, "deeplift-shap", target=of.top, references=references).raw
    note = "as DeepLift"
    parity("deeplift-shap", ours, found, peer=PEER, called="DeepLiftShap", network=name, note=note)


def test_adjacent_non_linearities(parity: Parity) -> None:
    of = network("plain")
    found, gap = theirs(of.module, of.x, of.top)
    ours = of.lens.explain(of.x, "deeplift", target=of.top, baseline=START)
    assert (np.abs(gap) > 1e-2 * np.abs(found).sum(axis=(1, 2))).all()
    assert (np.abs(ours.measures["completeness gap"]) < 1e-5 * np.abs(ours.raw).sum(axis=(1, 2))).all()
    parity.differs(
        "deeplift", peer=PEER, what="a MaxPool right behind a ReLU",
        theirs="one of the two multipliers is lost: the attributions do not add up to the score's change",
        ours="they add up to 1e-5",
    )  # fmt: skip


def test_softmax(parity: Parity) -> None:
    of = made(
        "softmax",
        nn.Sequential(*network("unbiased").module.children(), nn.Softmax(dim=1)),
        network("unbiased").x,
        (),
    )
    alone = theirs(spaced(of.module), of.x[:1], of.top[:1])[0]
    both, gap = theirs(spaced(of.module), of.x, of.top)
    ours = of.lens.explain(of.x, "deeplift", target=of.top, baseline=START, score="output")
    single = of.lens.explain(of.x[:1], "deeplift", target=of.top[:1], baseline=START, score="output")
    assert np.abs(alone[0] - both[0]).max() > 1e-3 * np.abs(both[0]).max()
    np.testing.assert_allclose(ours.raw[0], single.raw[0], atol=1e-5 * np.abs(ours.raw).max())
    assert (np.abs(gap) > 1e-2 * np.abs(both).sum(axis=(1, 2))).any()
    assert (np.abs(ours.measures["completeness gap"]) < 1e-4 * np.abs(ours.raw).sum(axis=(1, 2))).all()
    parity.differs(
        "deeplift", peer=PEER, what="a Softmax",
        theirs="each image's map depends on the others in the batch, and does not add up to the score's change",
        ours="each stands alone, and adds up to 1e-4",
    )  # fmt: skip


def test_transformers(parity: Parity) -> None:
    of = network("vit")
    found: Any
    found, gap = theirs(of.module, of.x, of.top)
    ours = of.lens.explain(of.x, "deeplift", target=of.top, baseline=START)
    assert (np.abs(gap) > 1e-2 * np.abs(found).sum(axis=(1, 2))).any()
    assert (np.abs(ours.measures["completeness gap"]) < 1e-4 * np.abs(ours.raw).sum(axis=(1, 2))).all()
    parity.differs(
        "deeplift", peer=PEER, what="a vision transformer (layer normalisation, attention, GELU)",
        theirs="plain gradients there: the attributions do not add up to the score's change",
        ours="multipliers for all of them: they add up to 1e-4",
    )  # fmt: skip

"""Class activation maps that the peers have not, or have otherwise, beside their definitions in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from inspector import Target
from tests.peers.conftest import Parity
from tests.peers.networks import Network, made, network
from tests.peers.row import difference

PEER, CALLED = "torch", "the definition in double precision"


def end(of: Network) -> nn.Sequential:
    """What follows the layer, of networks that pool it and classify linearly."""
    if of.name == "resnet18":
        return nn.Sequential(of.module.get_submodule("avgpool"), nn.Flatten(), of.module.get_submodule("fc"))
    assert isinstance(of.module, nn.Sequential)
    return of.module[8:]


def activations(of: Network) -> torch.Tensor:
    """The layer's values."""
    found: list[torch.Tensor] = []
    handle = of.part().register_forward_hook(lambda module, given, result: found.append(result.detach()))
    with torch.no_grad():
        of.module(of.tensor)
    handle.remove()
    return found[0]


@pytest.mark.parametrize("name", ["plain", "resnet18"])
def test_cam(parity: Parity, name: str) -> None:
    of = network(name)
    linear = end(of.double)[-1]
    weight = linear.get_parameter("weight").detach()[of.top]
    expected = torch.einsum("nc,nchw->nhw", weight, activations(of.double)).numpy()
    ours = of.lens.explain(of.x, "cam", target=of.top, layer=of.layer).map
    parity("cam", ours, expected, peer=PEER, called=CALLED, network=name)


@pytest.mark.parametrize("name", ["plain", "resnet18"])
def test_recipro_cam(parity: Parity, name: str) -> None:
    of = network(name)
    values, head = activations(of.double), end(of.double)
    expected = torch.zeros(len(values), *values.shape[2:], dtype=torch.float64)
    with torch.no_grad():
        for row, column in np.ndindex(*values.shape[2:]):
            alone = torch.zeros_like(values)
            alone[..., row, column] = values[..., row, column]
            expected[:, row, column] = head(alone)[range(len(values)), of.top]
    expected -= expected.amin(dim=(1, 2), keepdim=True)
    ours = of.lens.explain(of.x, "reciprocam", target=of.top, layer=of.layer).map
    parity("reciprocam", ours, expected, peer=PEER, called=CALLED, network=name)


@pytest.mark.parametrize("name", ["plain", "resnet18", "mobilenet_v3_small"])
def test_fem(parity: Parity, name: str) -> None:
    of = network(name)
    values = activations(of.double)
    mean = values.mean(dim=(2, 3), keepdim=True)
    spread = values.std(dim=(2, 3), keepdim=True, correction=0)
    expected = (mean * (values > mean + spread)).sum(dim=1).clamp(min=0)
    ours = of.lens.explain(of.x, "fem", target=of.top, layer=of.layer, k=1.0).map
    parity("fem", ours, expected, peer=PEER, called=CALLED, network=name, note="k=1")


def test_the_exponential_of_a_large_score(parity: Parity) -> None:
    """The derivatives of exp(score), as Grad-CAM++ is often written down, in single precision."""
    plain = network("plain")
    module = nn.Sequential(*plain.module.children(), Shifted(500.0))  # type: ignore[arg-type]
    of = made("plain + 500", module, plain.x, ("7",))
    values = activations(of).requires_grad_()
    score = of.module[8:](values)[range(2), plain.top]  # type: ignore[index]
    (first,) = torch.autograd.grad(score.exp().sum(), values)
    assert not torch.isfinite(first).any()
    target = [Target(index=each) for each in plain.top]
    large = of.lens.explain(of.x, "gradcam++", target=target, layer="7").map
    small = plain.lens.explain(plain.x, "gradcam++", target=target, layer="7").map
    assert difference(large, small) < 1e-4
    parity.differs(
        "gradcam++",
        peer=PEER,
        what="scores above 88, where exp(score) is differentiated, as the paper writes it down",
        theirs="infinite in single precision",
        ours="the common factor exp(score) is left out: the same map as of the score less a constant",
    )


class Shifted(nn.Module):
    """Adds a constant."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.by

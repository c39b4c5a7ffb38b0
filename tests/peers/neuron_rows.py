"""captum's variants for inner neurons: here any method, whose target is an element of the layer's tensor."""

from __future__ import annotations

from typing import Any

import captum.attr
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.peers.conftest import Parity
from tests.peers.networks import Network, network

PEER = "captum"
START = 0.4
LAYERS = [("plain", "4"), ("plain", "7")]
# what the peer says each time that it overrides what is not linear
pytestmark = pytest.mark.filterwarnings("ignore:Setting (forward, )?backward hooks")


def strongest(of: Network, layer: str) -> tuple[int, ...]:
    """The most active neuron of the layer for the first image: (channel, row, column)."""
    values = of.lens.activations(of.x[:1], layers=layer)[layer][0]
    return tuple(int(each) for each in np.unravel_index(values.argmax(), values.shape))


def compare(
    parity: Parity, method: str, called: str, name: str, layer: str, theirs: dict[str, Any], **options: Any
) -> None:
    """The peer's attributions of the strongest neuron beside `method`'s, summed over the colours."""
    of = network(name)
    neuron = strongest(of, layer)
    asked = torch.from_numpy(of.x.copy()).requires_grad_()
    attributed = getattr(captum.attr, called)(of.module, of.part(layer)).attribute(asked, neuron, **theirs)
    found: NDArray[np.float32] = attributed.detach().numpy()
    reduced = np.abs(found).max(axis=1) if method in ("guided-backprop", "deconvnet") else found.sum(axis=1)
    target = f"{layer}[{', '.join(map(str, neuron))}]"
    ours = of.lens.explain(of.x, method, target=target, **options).raw
    parity(
        method, ours, reduced, peer=PEER, called=called, network=f"{name}, {layer}", note="target: a neuron"
    )


@pytest.mark.parametrize(("name", "layer"), LAYERS)
def test_integrated_gradients(parity: Parity, name: str, layer: str) -> None:
    theirs = {"baselines": START, "n_steps": 12, "method": "gausslegendre"}
    compare(
        parity,
        "integrated-gradients",
        "NeuronIntegratedGradients",
        name,
        layer,
        theirs,
        baseline=START,
        steps=12,
    )


@pytest.mark.parametrize(("name", "layer"), LAYERS)
@pytest.mark.parametrize(
    ("method", "called"),
    [("guided-backprop", "NeuronGuidedBackprop"), ("deconvnet", "NeuronDeconvolution")],
)
def test_rectifiers_overridden(parity: Parity, method: str, called: str, name: str, layer: str) -> None:
    compare(parity, method, called, name, layer, {})


@pytest.mark.parametrize(("name", "layer"), LAYERS)
def test_feature_ablation(parity: Parity, name: str, layer: str) -> None:
    """The peer takes apart a quarter of the picture at a time, colours together."""
    sides = network(name).x.shape[-1]
    quarter = (np.arange(sides) >= sides // 2).astype(np.int64)
    segments = 2 * quarter[:, None] + quarter
    mask = torch.from_numpy(segments)[None, None].expand(1, 3, -1, -1)
    theirs = {"baselines": START, "feature_mask": mask}
    of = network(name)
    neuron = strongest(of, layer)
    found = captum.attr.NeuronFeatureAblation(of.module, of.part(layer)).attribute(
        of.tensor, neuron, **theirs
    )
    target = f"{layer}[{', '.join(map(str, neuron))}]"
    ours = of.lens.explain(of.x, "feature-ablation", target=target, segments=segments, baseline=START).raw
    parity("feature-ablation", ours, found[:, 0], peer=PEER, called="NeuronFeatureAblation",
           network=f"{name}, {layer}", note="target: a neuron")  # fmt: skip

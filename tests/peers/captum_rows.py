"""Methods of gradients beside captum's, whose attributions are summed over the colours as the maps here are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import captum.attr
import numpy as np
import pytest
import torch
from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule, GammaRule
from numpy.typing import NDArray
from torch import nn

from inspector.explain import Subject
from inspector.explain.gradients.integrated import Draw, expected
from inspector.explain.gradients.noise import moments
from inspector.objectives import find_entry
from tests.peers.conftest import Parity
from tests.peers.networks import Network, made, network
from tests.peers.row import TOLERANCE, difference

PEER = "captum"
SUM, LARGEST = "sum over the colours", "largest magnitude over the colours"
ALL = ["resnet18", "mobilenet_v3_small", "vit"]
START = 0.4
# what the peer says each time that it overrides rectifiers
pytestmark = pytest.mark.filterwarnings("ignore:Setting (forward, )?backward hooks")


def summed(attributions: torch.Tensor) -> NDArray[np.float32]:
    """(N, C, ...) to (N, ...)."""
    return attributions.detach().sum(dim=1).numpy()


def largest(attributions: torch.Tensor) -> NDArray[np.float32]:
    """(N, C, ...) to (N, ...)."""
    return attributions.detach().abs().amax(dim=1).numpy()


def asked(x: NDArray[np.floating]) -> torch.Tensor:
    """As the peer wants what it differentiates by."""
    return torch.from_numpy(x.copy()).requires_grad_()


def rounding(of: Network, attributed: Callable[[nn.Module, torch.Tensor], Any]) -> dict[str, Any]:
    """The peer's result in float64, and what rounding alone does to it: a tolerance where that is above 1e-4.

    Among 100,000 rectifiers and maxima a few are so near their kink that rounding decides, and each moves the gradients
    behind it. The peer in float32 is run at inputs moved by a rounding: its largest distance from float64, twice.
    """
    exact = attributed(of.double.module, torch.from_numpy(of.double.x))
    random = np.random.default_rng(7)
    moved = [of.x * (1 + 1e-7 * random.normal(size=of.x.shape)) for _ in range(3)]
    off = max(difference(attributed(of.module, asked(each.astype(np.float32))), exact) for each in moved)
    note = f"rounding moves the peer by {off:.0e}" if 2 * off > TOLERANCE else ""
    return {"theirs": exact, "tolerance": max(TOLERANCE, 2 * off), "note": note}


def subject(of: Network) -> Subject:
    """The scores of the top classes."""
    feeds = {of.lens.inputs[0].name: of.x}
    objective = of.lens._objective(feeds, of.top, "logit")
    entry = find_entry(of.lens.evaluator, objective.tensors)
    return Subject(of.lens.evaluator, feeds, objective, entry.tensor)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    ("method", "called", "folded"),
    [("saliency", "Saliency", largest), ("input-x-gradient", "InputXGradient", summed)],
)
def test_plain_gradients(
    parity: Parity, method: str, called: str, folded: Callable[[torch.Tensor], Any], name: str
) -> None:
    of = network(name)
    theirs = folded(getattr(captum.attr, called)(of.module).attribute(asked(of.x), target=of.top))
    ours = of.lens.explain(of.x, method, target=of.top).raw
    parity(method, ours, theirs, peer=PEER, called=called, network=name)


@pytest.mark.parametrize("name", ["plain", "vit"])
@pytest.mark.parametrize(
    ("rule", "theirs"), [("gauss-legendre", "gausslegendre"), ("midpoint", "riemann_middle")]
)
def test_completeness(rule: str, theirs: str, name: str) -> None:
    of = network(name)
    found, gap = captum.attr.IntegratedGradients(of.module).attribute(
        of.tensor, START, of.top, n_steps=4, method=theirs, return_convergence_delta=True
    )
    ours = of.lens.explain(of.x, "integrated-gradients", target=of.top, baseline=START, steps=4, rule=rule)
    # both are the same small difference of large numbers
    scale = np.abs(summed(found)).sum(axis=(1, 2))
    np.testing.assert_allclose(ours.measures["completeness gap"], gap.numpy(), atol=1e-4 * scale.max())


@pytest.mark.parametrize("name", ["plain", *ALL])
@pytest.mark.parametrize(
    ("rule", "theirs"), [("gauss-legendre", "gausslegendre"), ("midpoint", "riemann_middle")]
)
def test_integrated_gradients(parity: Parity, rule: str, theirs: str, name: str) -> None:
    of = network(name)
    # no flat baseline: beside one, whole regions of a deep network lie within a rounding of their kinks
    start = START + 0.3 * np.random.default_rng(6).normal(size=of.x.shape[1:]).astype(np.float32)

    def attributed(module: nn.Module, x: torch.Tensor) -> NDArray[np.floating]:
        there, baseline = captum.attr.IntegratedGradients(module), torch.from_numpy(start)[None].to(x.dtype)
        return summed(there.attribute(x, baseline, of.top, n_steps=8, method=theirs))

    ours = of.lens.explain(of.x, "integrated-gradients", target=of.top, baseline=start, steps=8, rule=rule)
    called, given = f"IntegratedGradients, {theirs}", rounding(of, attributed)
    parity("integrated-gradients", ours.raw, peer=PEER, called=called, network=name, **given)


@pytest.mark.parametrize("name", ["plain", "vit"])
def test_expected_gradients(parity: Parity, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    of, samples = network(name), 8
    places = np.random.default_rng(1).uniform(size=2 * samples)
    monkeypatch.setattr(np.random, "uniform", lambda low, high, size: places[:size])
    start = torch.full((1, *of.x.shape[1:]), START)
    found = captum.attr.GradientShap(of.module).attribute(of.tensor, start, samples, target=of.top)
    monkeypatch.undo()
    draws: list[Draw] = [
        (number // samples, np.full(of.x.shape[1:], START, np.float32), float(place))
        for number, place in enumerate(places)
    ]
    ours = expected(subject(of), draws, samples).sum(axis=1)
    parity(
        "gradient-shap",
        ours,
        summed(found),
        peer=PEER,
        called="GradientShap",
        network=name,
        note="the same draws",
    )


@pytest.mark.parametrize("name", ["plain", "resnet18", "vit"])
@pytest.mark.parametrize(
    ("method", "kind"),
    [("smoothgrad", "smoothgrad"), ("squaregrad", "smoothgrad_sq"), ("vargrad", "vargrad")],
)
def test_gradients_at_noisy_inputs(
    parity: Parity, monkeypatch: pytest.MonkeyPatch, method: str, kind: str, name: str
) -> None:
    of, samples = network(name), 4
    noise = 0.3 * torch.randn((2 * samples, *of.x.shape[1:]), generator=torch.Generator().manual_seed(4))
    monkeypatch.setattr(torch, "normal", lambda mean, std: noise[: len(std)].to(std.dtype))

    def attributed(module: nn.Module, x: torch.Tensor) -> NDArray[np.floating]:
        tunnel = captum.attr.NoiseTunnel(captum.attr.Saliency(module))
        return largest(tunnel.attribute(x, kind, nt_samples=samples, stdevs=0.3, target=of.top, abs=False))

    given = rounding(of, attributed)
    given["note"] = f"the same noise; {given['note']}".removesuffix("; ")
    variants = (
        (number // samples, of.x[number // samples] + each) for number, each in enumerate(noise.numpy())
    )
    mean, square = moments(subject(of), variants, samples)
    ours = {"smoothgrad": np.abs(mean), "squaregrad": square, "vargrad": square - mean**2}[method].max(axis=1)
    parity(method, ours, peer=PEER, called=f"NoiseTunnel {kind}", network=name, **given)


@pytest.mark.parametrize("name", ["plain", "unbiased"])
@pytest.mark.parametrize(
    ("method", "called"), [("guided-backprop", "GuidedBackprop"), ("deconvnet", "Deconvolution")]
)
def test_rectifiers_overridden(parity: Parity, method: str, called: str, name: str) -> None:
    of = network(name)
    found = getattr(captum.attr, called)(of.module).attribute(asked(of.x), target=of.top)
    ours = of.lens.explain(of.x, method, target=of.top).raw
    parity(method, ours, largest(found), peer=PEER, called=called, network=name)


@pytest.fixture
def with_rules() -> Iterator[Callable[[nn.Module, Callable[[], Any]], nn.Module]]:
    """Gives each layer with weights a rule of captum's."""
    given: list[nn.Module] = []

    def give(module: nn.Module, rule: Callable[[], Any]) -> nn.Module:
        for part in module.modules():
            if isinstance(part, nn.Conv2d | nn.Linear):
                part.rule = rule()
                given.append(part)
        # a layer that it does not know, and that only reshapes
        for part in module.modules():
            if isinstance(part, nn.Flatten):
                part.rule = EpsilonRule()
                given.append(part)
        return module

    yield give
    for part in given:
        if hasattr(part, "rule"):
            del part.rule


@pytest.mark.parametrize(
    ("composite", "rule", "name"),
    [
        ("epsilon", lambda: EpsilonRule(0.01), "plain"),
        ("epsilon", lambda: EpsilonRule(0.01), "unbiased"),
        ("gamma", lambda: GammaRule(0.25), "unbiased"),
        ("alpha-beta", Alpha1_Beta0_Rule, "unbiased"),
    ],
    ids=["epsilon", "epsilon-unbiased", "gamma", "alpha1-beta0"],
)
def test_lrp(parity: Parity, with_rules: Any, composite: str, rule: Callable[[], Any], name: str) -> None:
    of = network(name)
    # the peer's rules with changed weights are for inputs that are not negative
    x = np.abs(of.x)
    module = with_rules(of.module, rule)
    with torch.no_grad():
        top = [int(each) for each in module(torch.from_numpy(x)).argmax(dim=1)]
    found = captum.attr.LRP(module).attribute(asked(x), target=top)
    small = 0.01 if composite == "epsilon" else 1e-9
    ours = of.lens.explain(x, "lrp", target=top, composite=composite, epsilon=small).raw
    parity(f"lrp {composite}", ours, summed(found), peer=PEER, called=type(rule()).__name__, network=name)


def linear(weights: list[float], bias: float) -> Network:
    """One layer and one class."""
    layer = nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([weights]))
        layer.bias.fill_(bias)
    return made("linear", nn.Sequential(layer), np.ones((1, 2), np.float32), ())


def test_lrp_with_a_bias(parity: Parity, with_rules: Any) -> None:
    """Of z = x + y - 1.5 at (1, 1): the positive contributions 1 and 1 are half each of the relevance 0.5."""
    of = linear([1.0, 1.0], -1.5)
    found = captum.attr.LRP(with_rules(of.module, Alpha1_Beta0_Rule)).attribute(asked(of.x), target=0)
    np.testing.assert_allclose(found.detach().numpy(), [[1, 1]], rtol=1e-5)
    ours = of.lens.explain(of.x, "lrp", target="1", composite="alpha-beta").raw
    np.testing.assert_allclose(ours, [[0.25, 0.25]], rtol=1e-5)
    parity.differs(
        "lrp alpha-beta", peer=PEER, what="a negative bias with alpha 1, beta 0",
        theirs="kept among the positive contributions: relevance grows (here from 0.5 to 2)",
        ours="a negative contribution (Bach et al., eq. 60): relevance stays",
    )  # fmt: skip


def test_lrp_with_negative_inputs(parity: Parity, with_rules: Any) -> None:
    """Of z = 2 x - y at (1, -1): both contributions, 2 and 1, are positive."""
    of = linear([2.0, -1.0], 0.0)
    x = np.array([[1, -1]], np.float32)
    found = captum.attr.LRP(with_rules(of.module, Alpha1_Beta0_Rule)).attribute(asked(x), target=0)
    np.testing.assert_allclose(found.detach().numpy(), [[3, 0]], rtol=1e-5)
    ours = of.lens.explain(x, "lrp", target="1", composite="alpha-beta").raw
    np.testing.assert_allclose(ours, [[2, 1]], rtol=1e-5)
    parity.differs(
        "lrp alpha-beta", peer=PEER, what="negative inputs with alpha 1, beta 0",
        theirs="weights are cut off at 0, whatever they are multiplied by",
        ours="products of input and weight are (Bach et al., eq. 60)",
    )  # fmt: skip


LAYERS = [("plain", "4"), ("plain", "7"), ("resnet18", "layer2"), ("resnet18", "layer3")]


@pytest.mark.parametrize(("name", "layer"), LAYERS)
def test_conductance(parity: Parity, name: str, layer: str) -> None:
    of, steps = network(name), 12

    def attributed(module: nn.Module, x: torch.Tensor) -> NDArray[np.floating]:
        """The peer takes each step's gradient where it begins: the mean of both directions is the trapezoid rule."""
        there = captum.attr.LayerConductance(module, module.get_submodule(layer))
        start = torch.full_like(x, START)
        options = {"n_steps": steps, "method": "riemann_trapezoid", "target": of.top}
        forth, back = there.attribute(x, start, **options), there.attribute(start, x, **options)
        return summed((forth - back) / 2)

    ours = of.lens.explain(of.x, "conductance", target=of.top, layer=layer, baseline=START, steps=steps)
    given = rounding(of, attributed)
    given["note"] = f"mean of its two directions; {given['note']}".removesuffix("; ")
    parity("conductance", ours.map, peer=PEER, called="LayerConductance", network=f"{name}, {layer}", **given)


@pytest.mark.parametrize(("name", "layer"), LAYERS)
def test_internal_influence(parity: Parity, name: str, layer: str) -> None:
    of = network(name)
    there = captum.attr.InternalInfluence(of.module, of.part(layer))
    found = there.attribute(of.tensor, START, target=of.top, n_steps=12)
    ours = of.lens.explain(of.x, "internal-influence", target=of.top, layer=layer, baseline=START, steps=12)
    parity(
        "internal-influence",
        ours.map,
        summed(found),
        peer=PEER,
        called="InternalInfluence",
        network=f"{name}, {layer}",
    )


@pytest.mark.parametrize(("name", "layer"), LAYERS)
def test_gradients_of_neurons(parity: Parity, name: str, layer: str) -> None:
    of = network(name)
    with torch.no_grad():
        values = of.lens.activations(of.x[:1], layers=layer)[layer][0]
    neuron = tuple(int(each) for each in np.unravel_index(values.argmax(), values.shape))
    found = captum.attr.NeuronGradient(of.module, of.part(layer)).attribute(asked(of.x[:1]), neuron)
    ours = of.lens.explain(of.x[:1], "neuron-gradient", layer=layer, neuron=neuron).raw
    parity(
        "neuron-gradient",
        ours,
        largest(found),
        peer=PEER,
        called="NeuronGradient",
        network=f"{name}, {layer}",
    )

"""Perturbation methods beside captum's and SciPy's, and beside definitions written out on PyTorch's scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from math import comb

import numpy as np
import pytest
import torch
from captum._utils.models.linear_model import SkLearnRidge
from captum.attr import FeatureAblation, KernelShap, Lime, Occlusion, ShapleyValues
from numpy.typing import NDArray
from scipy.stats import sobol_indices

from inspector.explain.perturbation.segments import grid_labels
from inspector.explain.perturbation.sequence import sobol_sequence
from tests.peers.conftest import Parity
from tests.peers.networks import Network, network

NETWORKS = ["resnet18", "mobilenet_v3_small"]
# 2 x 3 segments: all 64 choices of them can be run
CELLS = (2, 3)
PARTS = 6
CHOICES = np.array(list(product((False, True), repeat=PARTS)))
BATCH = 32
EXHAUSTIVE = "all 64 choices of six segments, given to the peer as its samples"
DEFINITION = "the definition, on PyTorch's scores"

Maps = NDArray[np.float32]

# of a regression for each of two images captum says that it takes its time
pytestmark = pytest.mark.filterwarnings("ignore:You are providing multiple inputs:UserWarning")


def labels(of: Network) -> NDArray[np.int64]:
    return grid_labels(of.x.shape[2:], CELLS)


def mask(of: Network) -> torch.Tensor:
    return torch.from_numpy(labels(of))[None, None]


def one_channel(attribution: torch.Tensor) -> Maps:
    """All channels have the same where they are replaced together."""
    found = attribution.detach().numpy()
    assert (found == found[:, :1]).all()
    return np.asarray(found[:, 0])


@cache
def scores_of_choices(name: str) -> NDArray[np.float64]:
    """(images, 64): the module's scores with only the chosen segments kept, the rest zero."""
    of = network(name)
    kept = CHOICES[:, labels(of)][:, None]
    return np.stack([scores(of, of.x[row] * kept, target) for row, target in enumerate(of.top)])


def scores(of: Network, inputs: NDArray[np.floating], target: int) -> NDArray[np.float64]:
    parts = np.array_split(inputs.astype(np.float32), max(1, len(inputs) // BATCH))
    with torch.no_grad():
        found = [of.module(torch.from_numpy(part))[:, target] for part in parts]
    return torch.cat(found).double().numpy()


@pytest.mark.parametrize("name", [*NETWORKS, "vit"])
@pytest.mark.parametrize(("window", "stride", "baseline"), [(24, 12, 0.0), (20, 15, 0.5)])
def test_occlusion(parity: Parity, name: str, window: int, stride: int, baseline: float) -> None:
    of = network(name)
    ours = of.lens.explain(
        of.x, "occlusion", target=of.top, window=window, stride=stride, baseline=baseline
    ).raw
    theirs = Occlusion(of.module).attribute(
        *(of.tensor, (3, window, window), (3, stride, stride), baseline, of.top),
        perturbations_per_eval=BATCH,
    )
    parity(
        *("occlusion", ours, one_channel(theirs)), peer="captum", called="Occlusion", network=name,
        measure=f"map, window {window}, stride {stride}, baseline {baseline:g}",
    )  # fmt: skip


@pytest.mark.parametrize("name", [*NETWORKS, "vit"])
def test_feature_ablation(parity: Parity, name: str) -> None:
    of = network(name)
    ours = of.lens.explain(of.x, "feature-ablation", target=of.top, segments=labels(of)).raw
    theirs = FeatureAblation(of.module).attribute(of.tensor, target=of.top, feature_mask=mask(of))
    parity(
        "feature-ablation", ours, one_channel(theirs), peer="captum", called="FeatureAblation", network=name
    )


def every_choice(original: torch.Tensor, **others: object) -> Iterator[torch.Tensor]:
    """What captum's LIME takes for a source of samples."""
    for choice in CHOICES:
        yield torch.from_numpy(choice)[None].float()


def explained_by_all(made: Lime, of: Network) -> Maps:
    made.perturb_func = every_choice
    found = made.attribute(
        of.tensor, target=of.top, feature_mask=mask(of), n_samples=len(CHOICES), perturbations_per_eval=BATCH
    )
    return one_channel(found)


@pytest.mark.parametrize("name", NETWORKS)
def test_lime(parity: Parity, name: str) -> None:
    """The peer's kernel measures distances in the input; the paper's in the choice of segments, as here."""
    of = network(name)

    def similarity(
        original: torch.Tensor, changed: torch.Tensor, choice: torch.Tensor, **others: object
    ) -> float:
        distance = 1 - float(torch.nn.functional.cosine_similarity(choice.float(), torch.ones(1, PARTS)))
        return float(np.exp(-(distance**2) / (2 * 0.25**2)))

    ours = of.lens.explain(of.x, "lime", target=of.top, segments=labels(of), samples=64).raw
    theirs = explained_by_all(Lime(of.module, SkLearnRidge(alpha=1.0), similarity), of)
    parity("lime", ours, theirs, peer="captum", called="Lime", network=name, note=EXHAUSTIVE)


@pytest.mark.parametrize("name", NETWORKS)
def test_kernel_shap(parity: Parity, name: str) -> None:
    of = network(name)

    def kernel(
        original: torch.Tensor, changed: torch.Tensor, choice: torch.Tensor, **others: object
    ) -> float:
        size = int(choice.sum())
        if size in (0, PARTS):
            return 1e6
        return (PARTS - 1) / (comb(PARTS, size) * size * (PARTS - size))

    ours = of.lens.explain(of.x, "kernel-shap", target=of.top, segments=labels(of), samples=62).raw
    made = KernelShap(of.module)
    made.similarity_func = kernel
    parity(
        *("kernel-shap", ours, explained_by_all(made, of)), peer="captum", called="KernelShap", network=name,
        note=EXHAUSTIVE,
    )  # fmt: skip


def test_shapley_values(parity: Parity) -> None:
    of = network("plain")
    ours = of.lens.explain(of.x, "kernel-shap", target=of.top, segments=labels(of), samples=62).raw
    theirs = ShapleyValues(of.module).attribute(
        of.tensor, target=of.top, feature_mask=mask(of), perturbations_per_eval=BATCH
    )
    parity(
        *("kernel-shap", ours, one_channel(theirs)), peer="captum", called="ShapleyValues", network="plain",
        note="the peer goes through all 720 orders of six segments",
    )  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_few_samples(parity: Parity, name: str) -> None:
    """With 40 samples of the 62 that there are."""
    of = network(name)
    exact = of.lens.explain(of.x, "kernel-shap", target=of.top, segments=labels(of), samples=62).raw
    few = of.lens.explain(of.x, "kernel-shap", target=of.top, segments=labels(of), samples=40).raw
    torch.manual_seed(0)
    theirs = one_channel(
        KernelShap(of.module).attribute(of.tensor, target=of.top, feature_mask=mask(of), n_samples=40)
    )
    errors = [float(np.abs(each - exact).max() / np.abs(exact).max()) for each in (few, theirs)]
    assert errors[0] < errors[1]
    parity.differs(
        "kernel-shap", peer="captum", what=f"40 samples of six segments of {name}",
        theirs=f"draws with repetition: {errors[1]:.0%} of the largest value off",
        ours=f"outermost sizes whole, the rest in pairs: {errors[0]:.0%} off",
    )  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_rise(parity: Parity, name: str) -> None:
    """Petsiuk et al., equation 6, with the masks of section 3.2 enlarged by PyTorch."""
    of = network(name)
    count, cells, p, seed = 100, 6, 0.4, 7
    side = of.x.shape[-1]
    cell = -(-side // cells)
    ours = of.lens.explain(of.x, "rise", target=of.top, masks=count, cells=cells, p=p, seed=seed)
    random = np.random.default_rng(seed)
    masks = np.zeros((count, side, side))
    for number in range(count):
        grid = torch.from_numpy((random.random((cells, cells)) < p).astype(np.float64))
        size = (cells + 1) * cell
        whole = torch.nn.functional.interpolate(grid[None, None], size=(size, size), mode="bilinear")
        top, left = random.integers(0, [cell, cell])
        masks[number] = whole[0, 0, top : top + side, left : left + side]
    theirs = []
    for row, target in enumerate(of.top):
        score = scores(of, of.x[row] * masks[:, None], target)
        theirs.append(np.tensordot(score, masks, axes=1) / (count * p))
    parity(
        *("rise", ours.raw + ours.measures["floor"][:, None, None], np.stack(theirs)),
        peer="torch", called=DEFINITION, network=name, note="before the lowest place is taken for zero",
    )  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_sobol(parity: Parity, name: str) -> None:
    """SciPy's total-order estimator on the same designs; it takes the variance over both of them."""
    of = network(name)
    designs, seed = 16, 3
    ours = of.lens.explain(of.x, "sobol", target=of.top, segments=labels(of), designs=designs, seed=seed)
    points = sobol_sequence(designs, 2 * PARTS, seed)
    a, b = points[:, :PARTS], points[:, PARTS:]
    mixed = np.stack([np.where(np.arange(PARTS) == column, b, a) for column in range(PARTS)])
    theirs = []
    for row, target in enumerate(of.top):

        def f(shares: NDArray[np.float64], row: int = row, target: int = target) -> NDArray[np.float64]:
            return scores(of, of.x[row] * shares[:, labels(of)][:, None], target)

        f_a, f_b = f(a), f(b)
        # to (outputs, designs) and (segments, outputs, designs), less the mean as SciPy asks
        level = np.mean([f_a, f_b])
        given = {
            "f_A": f_a[None] - level,
            "f_B": f_b[None] - level,
            "f_AB": np.stack([f(each)[None] for each in mixed]) - level,
        }
        found = sobol_indices(func=given, n=designs)
        theirs.append(found.total_order.ravel() * np.var([f_a, f_b]))
    values = np.stack(theirs)[:, labels(of)]
    parity(
        *("sobol", ours.raw * ours.measures["variance"][:, None, None], values),
        peer="scipy", called="stats.sobol_indices", network=name,
        note="same designs; both times the variance, which the peer takes over two designs, the paper's code over one",
    )  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_hsic(parity: Parity, name: str) -> None:
    """Novello et al., section 3: tr(K H L H) / (n - 1)^2, matrix by matrix."""
    of = network(name)
    count, seed = 120, 5
    ours = of.lens.explain(of.x, "hsic", target=of.top, segments=labels(of), samples=count, seed=seed).raw
    halves = np.repeat((np.arange(count) < count / 2)[:, None], PARTS, axis=1)
    bits = np.random.default_rng(seed).permuted(halves, axis=0)
    h = np.eye(count) - 1 / count
    theirs = []
    for row, target in enumerate(of.top):
        y = scores(of, of.x[row] * bits[:, labels(of)][:, None], target)
        apart = np.abs(y[:, None] - y)
        width = np.median(apart[np.triu_indices(count, 1)])
        gram = np.exp(-(apart**2) / (2 * width**2))
        kernels: list[NDArray[np.float64]] = [(m[:, None] == m) - 0.5 for m in bits.T]
        found = np.array([np.trace(k @ h @ gram @ h) for k in kernels]) / (count - 1) ** 2
        theirs.append(found[labels(of)])
    parity("hsic", ours, np.stack(theirs), peer="torch", called=DEFINITION, network=name)


class Heads:
    """Matrices of `torch.nn.MultiheadAttention`, which by itself keeps none, written out."""

    def __init__(self) -> None:
        self.matrices: list[torch.Tensor] = []

    def forward(self, of: torch.nn.MultiheadAttention) -> Callable[..., tuple[torch.Tensor, None]]:
        def attend(
            query: torch.Tensor, *others: torch.Tensor, **options: object
        ) -> tuple[torch.Tensor, None]:
            assert of.in_proj_weight is not None
            projected = torch.nn.functional.linear(query, of.in_proj_weight, of.in_proj_bias)
            q, k, v = (
                each.unflatten(-1, (of.num_heads, -1)).transpose(1, 2) for each in projected.chunk(3, -1)
            )
            matrix = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1)
            if matrix.requires_grad:
                matrix.retain_grad()
                self.matrices.append(matrix)
            return of.out_proj((matrix @ v).transpose(1, 2).flatten(2)), None

        return attend


@pytest.fixture
def heads(monkeypatch: pytest.MonkeyPatch) -> Heads:
    kept = Heads()
    for part in network("vit").module.modules():
        if isinstance(part, torch.nn.MultiheadAttention):
            monkeypatch.setattr(part, "forward", kept.forward(part))
    return kept


def test_attention_rollout(parity: Parity, heads: Heads) -> None:
    """Abnar & Zuidema, section 3."""
    of = network("vit")
    of.module(of.tensor.requires_grad_())
    rolled = torch.eye(17)
    for matrix in heads.matrices:
        rolled = (0.5 * matrix.mean(1) + 0.5 * torch.eye(17)) @ rolled
    ours = of.lens.explain(of.x, "attention-rollout").map
    theirs = rolled[:, 0, 1:].reshape(-1, 4, 4).detach().numpy()
    parity("attention-rollout", ours, theirs, peer="torch", called=DEFINITION, network="vit")


def test_gradient_rollout(parity: Parity, heads: Heads) -> None:
    """Chefer et al., equations 5 and 6."""
    of = network("vit")
    logits = of.module(of.tensor.requires_grad_())
    logits[range(len(of.x)), of.top].sum().backward()
    rolled = torch.eye(17)
    for matrix in heads.matrices:
        assert matrix.grad is not None
        rolled = rolled + (matrix * matrix.grad).clamp(min=0).mean(1) @ rolled
    ours = of.lens.explain(of.x, "gradient-rollout", target=of.top).map
    theirs = rolled[:, 0, 1:].reshape(-1, 4, 4).detach().numpy()
    parity("gradient-rollout", ours, theirs, peer="torch", called=DEFINITION, network="vit")

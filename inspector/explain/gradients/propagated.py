"""The score handed back to the input layer by layer, by rules that are no derivatives."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inspector.errors import InputError
from inspector.explain.baselines import Baseline, source_baseline
from inspector.explain.gradients.integrated import NO_REFERENCES, noise, references_at_source
from inspector.explain.gradients.paths import at_least, changes, gap_notes, positive
from inspector.explain.relevance import Relevance, Scene
from inspector.session import Array

__all__ = ["deeplift", "deeplift_shap", "lrp"]


def lrp(
    scene: Scene,
    *,
    composite: str = "epsilon-alpha-beta",
    epsilon: float = 1e-6,
    gamma: float = 0.25,
    alpha: float = 1.0,
) -> Relevance:
    """Bach et al., On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance Propagation,
    PLOS ONE 2015: each layer shares its relevance among its inputs; summed over the channels, with a sign. Of token ids
    relevance arrives at their embeddings.

    The relevances add up to the score, but for what biases and `epsilon` absorb: measure "conservation gap", and a
    note above half of the score. Batch
    normalisation counts as part of the convolution before it; gates, attention weights and deviations count as
    constants (Ali et al., XAI for Transformers, ICML 2022). Use it for sharp maps of convolutional networks that
    account for the score.

    Args:
        scene: what is asked.
        composite: the rules of the first layer, of convolutions and of dense layers: "epsilon", "gamma", "alpha-beta":
            one for all; "epsilon-gamma": gamma for convolutions (Montavon et al., 2019); "epsilon-alpha-beta":
            alpha-beta for convolutions (Kohlbrenner et al., Towards Best Practice, IJCNN 2020).
        epsilon: what denominators are moved away from 0 by.
        gamma: by how much positive weights count more.
        alpha: of alpha-beta, at least 1; beta is alpha - 1.

    Raises:
        InputError: there is no such composite, or a number is out of its range.
    """
    from inspector.explain.overrides.lrp import COMPOSITES, relevance_rules

    if composite not in COMPOSITES:
        raise InputError(f"the composites of lrp are {', '.join(COMPOSITES)}, not '{composite}'")
    at_least(1e-12, epsilon=epsilon)
    at_least(0, gamma=gamma)
    at_least(1, alpha=alpha)
    subject, tensor = scene.source, scene.source.tensor
    rules = relevance_rules(composite, float(epsilon), float(gamma), float(alpha))
    found = subject.evaluator.gradients(subject.feeds, subject.settled, [tensor], rules=rules)
    relevance = subject.x.astype(np.float64) * found.gradients[tensor]
    total = relevance.reshape(len(relevance), -1).sum(axis=1)
    notes = tuple(
        f"image {number + 1}: the relevances add up to {found:.3g}, the score is {score:.3g}: biases and epsilon have "
        "taken the difference"
        for number, (found, score) in enumerate(zip(total, subject.score, strict=True))
        if abs(found - score) > abs(score) / 2
    )
    return Relevance(
        scene.source_folded(relevance).sum(axis=1),
        measures={"conservation gap": total - subject.score},
        notes=notes,
    )


def deeplift(scene: Scene, *, baseline: Baseline = "zero") -> Relevance:
    """Shrikumar et al., Learning Important Features Through Propagating Activation Differences, ICML 2017, sections 3.2
    and 3.5.1 (rescale rule): the input's difference from the baseline times multipliers, which go back through a
    non-linearity as its change over its input's change; summed over the channels, with a sign.

    The attributions add up to the score's difference from the baseline's, but for operators without a rule: measure
    "completeness gap". Of token ids differences are those of their embeddings. Use it where integrated gradients would
    cost too much: it takes two forward passes and one back.

    Args:
        scene: what is asked.
        baseline: see `baselines.input_baseline`.

    Raises:
        InputError: the baseline does not fit.
        NotDifferentiable: a non-linearity lies in the body of a loop, as in recurrent layers.
    """
    start = source_baseline(scene, baseline)
    return _adding_up(scene, _rescaled(scene, start), changes(scene.source, start))


def deeplift_shap(
    scene: Scene, *, references: ArrayLike | None = None, samples: int = 10, seed: int = 0
) -> Relevance:
    """Lundberg & Lee, A Unified Approach to Interpreting Model Predictions, NeurIPS 2017, section 4.2 (Deep SHAP): the
    mean of DeepLIFT over a distribution of baselines; summed over the channels, with a sign.

    The attributions add up to the score's difference from the references' mean score, but for operators without a rule:
    measure "completeness gap". Use it where no single baseline is right and gradient SHAP is too noisy.

    Args:
        scene: what is asked.
        references: (M, ...) samples of the input, each of which is a baseline: a few dozen typical ones. None: uniform
            noise between the input's least and largest value.
        samples: how many baselines of noise are drawn; of no use with `references`.
        seed: of the noise, which is the same for every sample but for its range.

    Raises:
        InputError: the references do not fit the input.
        NotDifferentiable: as for `deeplift`.
    """
    positive(samples=samples)
    subject = scene.source
    starts = (
        noise(subject.x, samples, seed)
        if references is None
        else references_at_source(scene, np.asarray(references))
    )
    total, changed = np.zeros(subject.x.shape), np.zeros(len(subject.x))
    count = 0
    for start in starts:
        total += _rescaled(scene, start)
        changed += changes(subject, start)
        count += 1
    notes = () if references is not None else (NO_REFERENCES,)
    return _adding_up(scene, total / count, changed / count, "the references' mean", notes)


def _rescaled(scene: Scene, start: Array) -> NDArray[np.float64]:
    """What DeepLIFT attributes to each element of the source's x, of its difference from `start`."""
    from inspector.explain.overrides.deeplift import RESCALE

    subject = scene.source
    tensor = subject.tensor
    feeds = {**subject.feeds, f"reference.{tensor}": start}
    found = subject.evaluator.beside(tensor).gradients(feeds, subject.settled, [tensor], rules=RESCALE)
    attributions: NDArray[np.float64] = (subject.x.astype(np.float64) - start) * found.gradients[tensor]
    return attributions


def _adding_up(
    scene: Scene,
    attributions: NDArray[np.float64],
    changed: NDArray[np.float64],
    above: str = "the baseline's",
    notes: tuple[str, ...] = (),
) -> Relevance:
    """The map, and by how much it does not add up to the change of the score."""
    total = attributions.reshape(len(attributions), -1).sum(axis=1)
    advice = "operators without a rescale rule lie on the way; try integrated-gradients"
    return Relevance(
        scene.source_folded(attributions).sum(axis=1),
        measures={"completeness gap": total - changed},
        notes=(*notes, *gap_notes(total, changed, advice, above)),
    )

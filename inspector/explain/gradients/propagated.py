"""The score handed back to the input layer by layer, by rules that are no derivatives."""

from __future__ import annotations

import numpy as np

from inspector.errors import InputError
from inspector.explain.baselines import Baseline, source_baseline
from inspector.explain.gradients.paths import at_least, changes, gap_notes
from inspector.explain.relevance import Relevance, Scene

__all__ = ["deeplift", "lrp"]


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
    from inspector.explain.overrides.deeplift import RESCALE

    subject, start = scene.source, source_baseline(scene, baseline)
    tensor = subject.tensor
    feeds = {**subject.feeds, f"reference.{tensor}": start}
    found = subject.evaluator.beside(tensor).gradients(feeds, subject.settled, [tensor], rules=RESCALE)
    attributions = (subject.x.astype(np.float64) - start) * found.gradients[tensor]
    total = attributions.reshape(len(attributions), -1).sum(axis=1)
    changed = changes(subject, start)
    return Relevance(
        scene.source_folded(attributions).sum(axis=1),
        measures={"completeness gap": total - changed},
        notes=gap_notes(
            total, changed, "operators without a rescale rule lie on the way; try integrated-gradients"
        ),
    )

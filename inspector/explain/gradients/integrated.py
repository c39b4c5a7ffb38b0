"""Gradients integrated from a baseline to the input: attributions that add up to the change of the score."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import tee

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inspector.errors import InputError
from inspector.explain.baselines import Baseline, source_baseline
from inspector.explain.gradients.paths import (
    Quadrature,
    changes,
    gap_notes,
    mean_gradient,
    positive,
    quadrature,
)
from inspector.explain.relevance import Relevance, Scene
from inspector.explain.subject import Subject, Variant
from inspector.session import Array

__all__ = [
    "NO_REFERENCES",
    "Draw",
    "expected",
    "gradient_shap",
    "integrated_gradients",
    "noise",
    "references_at_source",
]

Draw = tuple[int, Array, float]
"""The number of a sample, a reference for it, and where between the two the gradient is taken (1: the sample)."""


NO_REFERENCES = "no references were given: the baselines are uniform noise over the input's range"


def integrated_gradients(
    scene: Scene, *, baseline: Baseline = "zero", steps: int = 50, rule: Quadrature = "gauss-legendre"
) -> Relevance:
    """Sundararajan et al., Axiomatic Attribution for Deep Networks, ICML 2017, equation 1: the input's difference from
    the baseline, times the gradient averaged along the line between them; summed over the channels, with a sign.

    The attributions add up to the score's difference from the baseline's (completeness); by how much they do not is the
    measure "completeness gap", in the score's units, and a note where it is more than 5 % of that difference. Of token
    ids the line is drawn between embeddings. Use it where attributions must account for the score.

    Args:
        scene: what is asked.
        baseline: what stands for "nothing there": see `baselines.input_baseline`.
        steps: gradients per sample.
        rule: "gauss-legendre", or "midpoint" for scores with many kinks.

    Raises:
        InputError: the baseline does not fit, or there is no such rule.
    """
    points, weights = quadrature(rule, steps)
    subject, start = scene.source, source_baseline(scene, baseline)
    mean = mean_gradient(subject, start, points, weights, subject.tensor)
    attributions = mean * (subject.x.astype(np.float64) - start)
    total, changed = _totals(attributions), changes(subject, start)
    return Relevance(
        scene.source_folded(attributions).sum(axis=1),
        measures={"completeness gap": total - changed},
        notes=gap_notes(total, changed, f"take more steps than {steps}"),
    )


def gradient_shap(
    scene: Scene, *, references: ArrayLike | None = None, samples: int = 50, seed: int = 0
) -> Relevance:
    """Expected gradients, Erion et al., Improving performance of deep learning models with axiomatic attribution priors
    and expected gradients, Nature Machine Intelligence 2021, equation 2 (Lundberg's GradientExplainer): integrated
    gradients over a distribution of baselines, each gradient at a random place of the line to a random baseline.

    The attributions add up to the score's difference from the references' mean score, but for the error of `samples`
    draws, which is the measure "completeness gap". Use it where no single baseline is right.

    Args:
        scene: what is asked.
        references: (M, ...) samples of the input to draw baselines from: a few dozen typical ones. None: each value
            uniform between the input's least and largest (Sturmfels et al., Distill 2020).
        samples: draws per sample.
        seed: of the draws, which are the same for every sample.

    Raises:
        InputError: the references do not fit the input.
    """
    positive(samples=samples)
    subject = scene.source
    known = None if references is None else references_at_source(scene, np.asarray(references))
    attributions = expected(subject, _draws(subject.x, known, samples, seed), samples)
    starts = ((row, reference) for row, reference, _ in _draws(subject.x, known, samples, seed))
    scores = subject.scores(starts, len(subject.x) * samples)
    changed = subject.score - scores.reshape(len(subject.x), samples).mean(axis=1)
    total = _totals(attributions)
    notes = () if references is not None else (NO_REFERENCES,)
    advice = f"take more samples than {samples}"
    return Relevance(
        scene.source_folded(attributions).sum(axis=1),
        measures={"completeness gap": total - changed},
        notes=(*notes, *gap_notes(total, changed, advice, "the references' mean")),
    )


def expected(subject: Subject, draws: Iterable[Draw], samples: int) -> NDArray[np.float64]:
    """Like the subject's x: the mean over a sample's draws, `samples` of each, of (x - reference) * gradient."""
    asked, waiting = tee(draws)

    def between() -> Iterator[Variant]:
        for row, reference, place in asked:
            end = subject.x[row].astype(np.float64)
            yield row, (reference + place * (end - reference)).astype(subject.x.dtype)

    total = np.zeros(subject.x.shape)
    for _, found in subject.gradients(between(), len(subject.x) * samples):
        for gradient in found.gradients[subject.tensor]:
            row, reference, _ = next(waiting)
            total[row] += gradient * (subject.x[row].astype(np.float64) - reference) / samples
    return total


def _draws(x: Array, known: Sequence[Array] | None, samples: int, seed: int) -> Iterator[Draw]:
    """Of every sample the same draws, so that its map does not depend on its place in the batch."""
    for row, each in enumerate(x):
        random = np.random.default_rng(seed)
        for _ in range(samples):
            place = random.uniform()
            if known is None:
                drawn = random.uniform(each.min(), each.max(), each.shape).astype(x.dtype)
            else:
                drawn = known[int(random.integers(len(known)))][row]
            yield row, drawn, place


def noise(x: Array, count: int, seed: int) -> Iterator[Array]:
    """Like x: uniform between each sample's least and largest value, the same for every sample but for that range."""
    random = np.random.default_rng(seed)
    places = tuple(range(1, x.ndim))
    low, high = (
        each.astype(np.float64) for each in (x.min(places, keepdims=True), x.max(places, keepdims=True))
    )
    for _ in range(count):
        yield (low + random.random(x.shape[1:]) * (high - low)).astype(x.dtype)


def references_at_source(scene: Scene, references: Array) -> list[Array]:
    """Each reference, for all samples, at the first floating-point tensor."""
    shape = scene.subject.x.shape
    if references.ndim != len(shape) or references.shape[1:] != shape[1:] or not len(references):
        raise InputError(
            f"references are samples of the input, each of shape {shape[1:]}, behind one another: an array of shape "
            f"{references.shape} is not"
        )
    return [source_baseline(scene, reference) for reference in references]


def _totals(attributions: NDArray[np.float64]) -> NDArray[np.float64]:
    total: NDArray[np.float64] = attributions.reshape(len(attributions), -1).sum(axis=1)
    return total

"""Global sensitivity of the score to how much of each segment is seen: Sobol' indices and HSIC."""

from __future__ import annotations

from itertools import chain

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError
from inspector.explain.baselines import Baseline
from inspector.explain.perturbation.canvas import Canvas
from inspector.explain.perturbation.segments import Parting, segments_of
from inspector.explain.perturbation.sequence import sobol_sequence
from inspector.explain.relevance import Relevance, Scene

__all__ = ["dependence", "hsic", "sobol", "total_indices"]

Vector = NDArray[np.float64]


def sobol(
    scene: Scene,
    *,
    segments: Parting = None,
    designs: int = 32,
    seed: int = 0,
    baseline: Baseline = "zero",
) -> Relevance:
    """Fel et al., Look at the Variance!, NeurIPS 2021, section 3.

    The total-order Sobol' index of each segment, at each of its places: the share of the score's variance, under masks
    uniform in [0, 1] per segment, that vanishes when all other segments are known, interactions included. Jansen's
    estimator (Jansen, Computer Physics Communications 117, 1999, equation 3) over a Sobol' sequence, designs *
    (segments + 1) runs. Its measure "variance" is the score's. No sign: a segment against the target counts like one
    for it.

    Args:
        scene: to explain.
        segments: what has one mask value: see `segments_of`.
        designs: points in each of the two designs that are mixed; best a power of two.
        seed: of the sequence.
        baseline: what a mask of zero shows: see `inspector.explain.baselines.input_baseline`.

    Raises:
        InputError: an option does not fit.
    """
    if designs < 2:
        raise InputError(f"sobol takes at least 2 designs, not {designs}")
    canvas = Canvas(scene, baseline)
    parts = segments_of(canvas, segments)
    shares = [_designs(count, designs, seed, canvas.codes) for count in parts.counts]
    variants = chain.from_iterable(parts.blends(row, each) for row, each in enumerate(shares))
    numbers = [len(each) for each in shares]
    scores = np.split(canvas.scores(variants, sum(numbers)), np.cumsum(numbers)[:-1])
    found = [total_indices(each.reshape(-1, designs)) for each in scores]
    variance = np.array([spread for _, spread in found])
    return Relevance(parts.spread([index for index, _ in found]), measures={"variance": variance})


def hsic(
    scene: Scene,
    *,
    segments: Parting = None,
    samples: int = 500,
    seed: int = 0,
    baseline: Baseline = "zero",
) -> Relevance:
    """Novello, Fel & Vigouroux, Making Sense of Dependence, NeurIPS 2022, section 3.

    The Hilbert-Schmidt independence criterion between whether a segment is seen and the score, at each of its places:
    tr(K H L H) / (n - 1)^2 with K_ij = [m_i = m_j] - 1/2 of the mask bit m, L_ij = exp(-(y_i - y_j)^2 / (2 w^2)) of the
    score y, w the median distance of two scores, and H that centres (Gretton et al., Measuring Statistical Dependence
    with Hilbert-Schmidt Norms, 2005, definition 2). Each bit is seen in half of the masks. Any dependence counts, not
    only of the variance; it takes fewer runs than Sobol' indices. No sign.

    Args:
        scene: to explain.
        segments: what is seen or not as one: see `segments_of`.
        samples: masks.
        seed: of the masks.
        baseline: what is shown in place of the rest: see `inspector.explain.baselines.input_baseline`.

    Raises:
        InputError: an option does not fit.
    """
    if samples < 2:
        raise InputError(f"hsic takes at least 2 samples, not {samples}")
    canvas = Canvas(scene, baseline)
    parts = segments_of(canvas, segments)
    halves = np.arange(samples)[:, None] < samples / 2
    masks = [
        np.random.default_rng(seed).permuted(np.repeat(halves, count, axis=1), axis=0)
        for count in parts.counts
    ]
    variants = chain.from_iterable(parts.variants(row, each) for row, each in enumerate(masks))
    scores = canvas.scores(variants, canvas.rows * samples).reshape(canvas.rows, samples)
    return Relevance(
        parts.spread([dependence(mask, score) for mask, score in zip(masks, scores, strict=True)])
    )


def _designs(count: int, designs: int, seed: int, codes: bool) -> NDArray[np.float32]:
    """The points A, and A with one column of B after the other: ((count + 1) * designs, count)."""
    points = sobol_sequence(designs, 2 * count, seed).astype(np.float32)
    if codes:
        points = np.rint(points)
    first, second = points[:, :count], points[:, count:]
    mixed = np.repeat(first[None], count + 1, axis=0)
    for column in range(count):
        mixed[column + 1, :, column] = second[:, column]
    return mixed.reshape(-1, count)


def total_indices(scores: Vector) -> tuple[Vector, float]:
    """Total-order indices from the scores of A (first line) and of A with a column of B (a line each); A's variance."""
    variance = float(scores[0].var(ddof=1))
    half = ((scores[0] - scores[1:]) ** 2).mean(axis=1) / 2
    return (half / variance if variance > 0 else np.zeros_like(half)), variance


def dependence(masks: NDArray[np.bool_], score: Vector) -> Vector:
    """HSIC of each column. Of bits, H K H = 2 c c' with c the centred column."""
    apart = np.abs(np.subtract.outer(score, score))
    median = float(np.median(apart[np.triu_indices(len(score), 1)]))
    # a score that takes one value most of the time: any width tells it from the others
    width = median or float(apart.max()) or 1.0
    alike = np.exp(-((apart / width) ** 2) / 2)
    centred = masks - masks.mean(axis=0)
    found: Vector = 2 * (centred * (alike @ centred)).sum(axis=0) / (len(score) - 1) ** 2
    return found

"""A linear model fitted to the scores of partly hidden inputs: LIME and kernel SHAP."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError
from inspector.explain.baselines import Baseline
from inspector.explain.perturbation.canvas import Canvas
from inspector.explain.perturbation.coalitions import independent_coalitions, shapley_coalitions
from inspector.explain.perturbation.segments import Parting, Segments, segments_of
from inspector.explain.relevance import Relevance, Scene

__all__ = ["Distance", "kernel_shap", "lime"]

Distance = Literal["cosine", "l2"]
Vector = NDArray[np.float64]


def lime(
    scene: Scene,
    *,
    segments: Parting = None,
    samples: int = 1000,
    distance: Distance = "cosine",
    width: float = 0.25,
    ridge: float = 1.0,
    seed: int = 0,
    baseline: Baseline = "zero",
) -> Relevance:
    """Ribeiro et al., "Why Should I Trust You?", KDD 2016, equation 1 and section 3.4.

    The coefficients of a ridge regression of the score on which segments are kept, weighted by exp(-(distance to the
    whole input / width)^2 / 2), at each segment's places, in units of the score. Kernel and penalty are as in the
    authors' code. Its measure "r2" says how much of the scores' weighted variance the linear model explains: where it
    is low, do not read the map. For superpixels and words; results move with the kernel and the number of samples.

    Args:
        scene: to explain.
        segments: what is hidden as one: see `segments_of`.
        samples: how many inputs are drawn; all 2^segments where they are no more.
        distance: of a choice of segments from all of them: "cosine", or "l2" as a share of its largest.
        width: of the kernel, in that distance.
        ridge: the penalty of the squared coefficients.
        seed: of the samples.
        baseline: what hidden segments show: see `inspector.explain.baselines.input_baseline`.

    Raises:
        InputError: an option does not fit.
    """
    if distance not in get_args(Distance):
        raise InputError(f"lime measures distances by {', '.join(get_args(Distance))}, not '{distance}'")
    if samples < 2 or width <= 0 or ridge < 0:
        raise InputError(f"lime takes samples > 1, width > 0, ridge >= 0, not {samples}, {width}, {ridge}")
    canvas = Canvas(scene, baseline)
    parts = segments_of(canvas, segments)
    chosen = [independent_coalitions(count, samples, seed) for count in parts.counts]
    scores = _scores(parts, chosen)
    fits = [
        _ridge(kept.astype(float), score, np.exp(-((_distances(kept, distance) / width) ** 2) / 2), ridge)
        for kept, score in zip(chosen, scores, strict=True)
    ]
    r2 = np.array([explained for _, explained in fits])
    return Relevance(parts.spread([slope for slope, _ in fits]), measures={"r2": r2})


def kernel_shap(
    scene: Scene,
    *,
    segments: Parting = None,
    samples: int = 2000,
    seed: int = 0,
    baseline: Baseline = "zero",
) -> Relevance:
    """Lundberg & Lee, A Unified Approach to Interpreting Model Predictions, NeurIPS 2017, theorem 2.

    Shapley values of the segments, in units of the score, at each of their places: what a segment adds to the score on
    average over all orders in which segments appear. They sum to score(input) - score(baseline), which is a constraint
    of the regression and holds whatever the number of samples (the measure "baseline score" is the latter); with
    2^segments - 2 samples the values are exact. The fairest division where segments work together, and the dearest.

    Args:
        scene: to explain.
        segments: the players: see `segments_of`.
        samples: how many inputs are run besides the whole one and the baseline.
        seed: of the samples.
        baseline: what absent segments show: see `inspector.explain.baselines.input_baseline`.

    Raises:
        InputError: an option does not fit.
    """
    if samples < 2:
        raise InputError(f"kernel-shap takes at least 2 samples, not {samples}")
    canvas = Canvas(scene, baseline)
    parts = segments_of(canvas, segments)
    drawn = [shapley_coalitions(count, samples, seed) for count in parts.counts]
    # the baseline itself comes first
    chosen = [np.concatenate([np.zeros((1, kept.shape[1]), dtype=bool), kept]) for kept, _ in drawn]
    scores = _scores(parts, chosen)
    values = [
        _shapley(kept.astype(float), each[1:] - each[0], weights, whole - each[0])
        for (kept, weights), each, whole in zip(drawn, scores, scene.subject.score, strict=True)
    ]
    empty = np.array([each[0] for each in scores])
    return Relevance(parts.spread(values), measures={"baseline score": empty})


def _scores(parts: Segments, chosen: Sequence[NDArray[np.bool_]]) -> list[Vector]:
    """Per sample, the score of each choice of segments."""
    variants = chain.from_iterable(parts.variants(row, kept) for row, kept in enumerate(chosen))
    numbers = [len(kept) for kept in chosen]
    return np.split(parts.canvas.scores(variants, sum(numbers)), np.cumsum(numbers)[:-1])


def _distances(kept: NDArray[np.bool_], distance: Distance) -> Vector:
    """From all segments kept, between 0 and 1."""
    share = kept.mean(axis=1)
    # |z| = sqrt(s d), z . 1 = s d: the cosine is the root of the share; keeping nothing is as far as can be
    return np.asarray(1 - np.sqrt(share) if distance == "cosine" else np.sqrt(1 - share))


def _ridge(kept: Vector, score: Vector, weight: Vector, penalty: float) -> tuple[Vector, float]:
    """Coefficients of the weighted ridge regression with an intercept, which is not penalised, and its R^2."""
    mean, level = np.average(kept, axis=0, weights=weight), np.average(score, weights=weight)
    root = np.sqrt(weight)[:, None]
    centred, target = root * (kept - mean), root[:, 0] * (score - level)
    count = kept.shape[1]
    # the penalty as further rows: no squared condition number, and no penalty is least squares
    design = np.concatenate([centred, np.sqrt(penalty) * np.eye(count)])
    fitted = np.linalg.lstsq(design, np.concatenate([target, np.zeros(count)]), rcond=None)[0]
    slope: Vector = fitted.astype(np.float64)
    spread = float(target @ target)
    residual = target - centred @ slope
    return slope, 1 - float(residual @ residual) / spread if spread > 0 else 1.0


def _shapley(kept: Vector, gain: Vector, weight: Vector, whole: float) -> Vector:
    """Weighted least squares under the constraint that the values sum to `whole`.

    Written in what they differ from equal shares: that sums to zero, and is the smallest such where few samples leave
    it open.
    """
    count = kept.shape[1]
    equal = whole / count
    root = np.sqrt(weight)
    across = root[:, None] * (kept - kept.mean(axis=1, keepdims=True))
    rest = root * (gain - equal * kept.sum(axis=1))
    values = equal + np.linalg.lstsq(across, rest, rcond=None)[0]
    result: Vector = values + (whole - values.sum()) / count
    return result

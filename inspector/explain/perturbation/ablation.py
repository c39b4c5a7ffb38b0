"""What the score loses without one part of the input."""

from __future__ import annotations

from itertools import chain

import numpy as np

from inspector.explain.baselines import Baseline
from inspector.explain.perturbation.canvas import Canvas
from inspector.explain.perturbation.segments import Parting, segments_of
from inspector.explain.relevance import Relevance, Scene

__all__ = ["feature_ablation"]


def feature_ablation(scene: Scene, *, segments: Parting = None, baseline: Baseline = "zero") -> Relevance:
    """Robnik-Sikonja & Kononenko, Explaining Classifications For Individual Instances, IEEE TKDE 2008, equation 1.

    The score less the score without a segment, at each of its places, in units of the score: leave one out. For tokens,
    tables and superpixels, one run of the model for each; parts that stand in for each other all look unimportant.

    Args:
        scene: to explain.
        segments: what is left out as one: see `segments_of`.
        baseline: what replaces it: see `inspector.explain.baselines.input_baseline`.

    Raises:
        InputError: segments or baseline do not fit the input.
    """
    canvas = Canvas(scene, baseline)
    parts = segments_of(canvas, segments)
    variants = chain.from_iterable(
        parts.variants(row, ~np.eye(count, dtype=bool)) for row, count in enumerate(parts.counts)
    )
    changed = canvas.scores(variants, sum(parts.counts))
    ends = np.cumsum(parts.counts)[:-1]
    lost = [whole - each for whole, each in zip(scene.subject.score, np.split(changed, ends), strict=True)]
    return Relevance(parts.spread(lost))

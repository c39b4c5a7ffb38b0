"""One exported model beside its framework, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from inspector import GradientCheck, Inspector
from tests.parity.truth import Array, Layer, keras_truth, target, torch_truth
from trainers.models import Spec

PARITY = 1e-5
"""Largest difference between two heatmaps, as a share of the larger one's largest value."""


@dataclass(frozen=True)
class Row:
    """What was found at one layer, over all pictures.

    Attributes:
        heatmap: largest difference from the framework's heatmaps for the score and for its negative, as a share of the
            largest value in both; NaN at the input, which has none.
        gradient: relative L2 distance from the framework's gradient, largest of all pictures; NaN at the input.
        checks: the verdict on each picture.
    """

    model: str
    layer: str
    heatmap: float
    gradient: float
    checks: tuple[GradientCheck, ...]

    def to_json(self) -> dict[str, Any]:
        figures = {k: None if v != v else v for k, v in asdict(self).items() if k != "checks"}
        return {**figures, "checks": [check.to_json() for check in self.checks]}

    def __str__(self) -> str:
        worst = max(check.max_relative_error for check in self.checks)
        float32 = max(check.float32_error for check in self.checks)
        passed = sum(check.passed for check in self.checks)
        beside = sum(check.noise > 0 for check in self.checks)
        kinks = sum(check.kinks for check in self.checks)
        parity = (
            f"{self.heatmap:9.1e} {self.gradient:9.1e}"
            if self.heatmap == self.heatmap
            else f"{'-':>9} {'-':>9}"
        )
        return (
            f"{self.model:28} {self.layer:11} {parity} {passed:3}/{len(self.checks)} {worst:9.1e} {float32:9.1e}"
            f" {kinks:5} {beside:6}"
        )


HEADER = (
    f"{'model':28} {'layer':11} {'heatmap':>9} {'gradient':>9} {'passed':>5} {'fd':>8} {'float32':>9} {'kinks':>5}"
    f" {'beside':>6}"
)


def compare(name: str, lens: Inspector, spec: Spec, module: Any, images: Array) -> list[Row]:
    """Every tapped layer and the input.

    Args:
        name: of the model, for the table.
        lens: on the exported file.
        module: the framework's own model, with the same weights; channel-last if it is Keras's.
        images: uint8 (N, H, W, C).
    """
    pixels = (images / np.float32(255)).astype(np.float32)
    first = np.ascontiguousarray(np.moveaxis(pixels, 3, 1))
    is_torch = hasattr(module, "register_forward_hook")
    x = first if is_torch else pixels
    layers = torch_truth(module, spec, first) if is_torch else keras_truth(module, spec, pixels)
    wanted = target(spec)
    rows = []
    for layer, truth in layers.items():
        evidence, against = (
            lens.explain(x, "gradcam", target=signed, layer=layer).raw for signed in (wanted, -wanted)
        )
        ours = Layer(evidence, against, lens.gradient(x, target=wanted, wrt=layer))
        checks = tuple(lens.check(one[None], target=wanted, wrt=layer) for one in x)
        rows.append(Row(name, layer, _largest(ours, truth), _distance(ours, truth), checks))
    checks = tuple(lens.check(one[None], target=wanted) for one in x)
    rows.append(Row(name, lens.inputs[0].name, float("nan"), float("nan"), checks))
    return rows


def failures(rows: Sequence[Row]) -> list[str]:
    """What is not as it should be, in words."""
    found = [
        f"{row.model} {row.layer}: heatmaps differ by {row.heatmap:.1e}"
        for row in rows
        if row.heatmap > PARITY
    ]
    found += [
        f"{row.model} {row.layer}, picture {number}: {check}"
        for row in rows
        for number, check in enumerate(row.checks, start=1)
        if not check.passed
    ]
    return found


def _largest(ours: Layer, truth: Layer) -> float:
    difference = np.maximum(np.abs(ours.evidence - truth.evidence), np.abs(ours.against - truth.against))
    largest = np.maximum(truth.evidence, truth.against).max(axis=(1, 2))
    assert largest.all(), "no heatmap to compare: zero for the score and for its negative"
    return float((difference.max(axis=(1, 2)) / largest).max())


def _distance(ours: Layer, truth: Layer) -> float:
    pairs = zip(ours.gradient, truth.gradient, strict=True)
    return max(float(np.linalg.norm(mine - theirs) / np.linalg.norm(theirs)) for mine, theirs in pairs)

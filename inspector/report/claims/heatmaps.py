"""Claims 10 to 13: what the report infers from the class-activation heatmaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from inspector.report.claims.base import Claim, Measurement, judge, measure_each
from inspector.report.claims.measures import Array, band, dilate, spearman, viridis_hues

__all__ = [
    "boundaries_contribute",
    "empty_regions_are_unaffected",
    "label_resemblance",
    "object_masks",
    "picture_resemblance",
    "resemblance_shows_yellow",
    "targets_are_the_first_class",
]

EMPTY_FROM = 4  # pixels away from the object: half of a 7 x 7 kernel, so that no kernel centred there sees it
BOUNDARY = 2  # pixels around the object


def targets_are_the_first_class(targets: Mapping[str, tuple[Sequence[str], str]]) -> Claim:
    """10. (targets that the explanations carry, the target wanted): holds where every one is the one wanted."""

    def measure(case: tuple[Sequence[str], str]) -> Measurement:
        given, wanted = case
        right = sum(target == wanted for target in given)
        figure = f"{right} of {len(given)} heatmaps with respect to {wanted}"
        return Measurement(right == len(given) > 0, figure, {"right": right, "heatmaps": len(given)})

    return judge(
        10,
        "Line heatmaps are with respect to class 0 (short, thin, 0 degrees, red), MNIST heatmaps to the digit 1.",
        "Read from the targets of the explanations shown.",
        measure_each(targets, measure),
    )


def label_resemblance(names: Sequence[str], target: str) -> Array:
    """How many words (attributes) of ``target`` each name shares: ``short thin 0° red`` and ``long thin 0° red``: 3."""
    wanted = set(target.split())
    return np.array([len(wanted & set(name.split())) for name in names], np.float64)


def picture_resemblance(images: Array, labels: Array, target: int) -> Array:
    """Cosine similarity of (N, ...) images with the mean of those labelled ``target``; 0 for an empty image.

    Raises ValueError where no image has that label.
    """
    rows = np.asarray(images, np.float64).reshape(len(images), -1)
    chosen = np.asarray(labels) == target
    if not chosen.any():
        raise ValueError(f"no image is labelled {target}; its mean image cannot be formed")
    mean = rows[chosen].mean(axis=0)
    norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(mean)
    return np.asarray(np.divide(rows @ mean, norms, out=np.zeros(len(rows)), where=norms > 0))


def object_masks(images: Array) -> Array:
    """(N, H, W, C) uint8 images on a black background: True where any channel exceeds a tenth of full scale."""
    return np.asarray(np.asarray(images).max(axis=-1) > 25)


def resemblance_shows_yellow(cases: Mapping[str, tuple[Array, Array]]) -> Claim:
    """11. Spearman's rank correlation of resemblance (N,) with the yellow share of heatmaps (N, H, W) in [0, 1].

    Yellow is a viridis hue below 80 degrees (heat from 0.865). Holds if the correlation is positive, significantly so
    (rho > 1.645 / sqrt(N - 1), one-sided 5%).
    """

    def measure(case: tuple[Array, Array]) -> Measurement:
        resemblance, heat = case
        yellow = (viridis_hues(heat) < 80).mean(axis=(-2, -1))
        rho = spearman(resemblance, yellow)
        needed = 1.645 / np.sqrt(max(len(yellow) - 1, 1))
        more = resemblance > np.median(resemblance)
        figure = f"rank correlation {rho:+.2f} over {len(yellow)} images (needs {needed:+.2f})"
        if more.any():
            figure += (
                f"; yellow {yellow[more].mean():.1%} where resemblance is above its median, "
                f"{yellow[~more].mean():.1%} elsewhere"
            )
        return Measurement(rho > needed, figure, {"rank_correlation": rho, "needed": float(needed)})

    return judge(
        11,
        "Images with more resemblance to that class show more yellow (high) heatmap regions.",
        "Resemblance: shared attributes of the label for Line, cosine similarity with the mean picture of the "
        "digit for MNIST. Yellow: viridis hue below 80 degrees (heat from 0.865 of the maximum). Spearman's rank "
        "correlation over the probe images, one-sided test at 5%.",
        measure_each(cases, measure),
    )


def _regions(images: Array) -> tuple[Array, Array, Array]:
    objects = object_masks(images)
    return objects, band(objects, BOUNDARY), ~dilate(objects, EMPTY_FROM - 1)


def _mean_heat(heat: Array, where: Array) -> float:
    return float(heat[where].mean()) if where.any() else 0.0


def empty_regions_are_unaffected(cases: Mapping[str, tuple[Array, Array]]) -> Claim:
    """12. Mean heat at least 4 pixels away from the object against that on it: (images (N,H,W,C), heat (N,H,W)).

    Heat is each image's own [0, 1]; images without heat are left out. Holds if the empty regions have at most a
    quarter of the object's heat.
    """

    def measure(case: tuple[Array, Array]) -> Measurement:
        images, heat = _with_heat(*case)
        objects, _, empty = _regions(images)
        on_object, on_empty = _mean_heat(heat, objects), _mean_heat(heat, empty)
        cold = float((heat[empty] < 0.1).mean()) if empty.any() else 0.0
        figure = (
            f"mean heat {on_empty:.3f} in empty regions, {on_object:.3f} on the object; "
            f"{cold:.0%} of empty pixels below 0.1 ({len(heat)} images with heat)"
        )
        values = {"empty": on_empty, "object": on_object, "cold_share": cold, "images": len(heat)}
        return Measurement(on_object > 0 and on_empty <= on_object / 4, figure, values)

    return judge(
        12,
        "Empty regions are generally unaffected.",
        f"Mean heat {EMPTY_FROM} pixels and more away from the object and on it, over all probe images whose heatmap "
        "is not zero; unaffected up to a quarter of the object's heat. Where the background has a value of its own (a "
        "bias, and after batch normalisation every channel), Grad-CAM weighs it like any other.",
        measure_each(cases, measure),
    )


def boundaries_contribute(cases: Mapping[str, tuple[Array, Array]]) -> Claim:
    """13. Mean heat within 2 pixels around the object against empty regions: (images (N,H,W,C), heat (N,H,W)).

    Holds if the boundary has at least twice the heat of the empty regions and at least a quarter of the object's.
    """

    def measure(case: tuple[Array, Array]) -> Measurement:
        images, heat = _with_heat(*case)
        objects, edge, empty = _regions(images)
        on_object, on_edge, on_empty = (_mean_heat(heat, region) for region in (objects, edge, empty))
        figure = (
            f"mean heat {on_edge:.3f} on the boundary, {on_object:.3f} on the object, "
            f"{on_empty:.3f} in empty regions"
        )
        values = {"boundary": on_edge, "object": on_object, "empty": on_empty}
        return Measurement(
            on_edge > 0 and on_edge >= 2 * on_empty and on_edge >= on_object / 4, figure, values
        )

    return judge(
        13,
        "Not only the object but its boundaries contribute.",
        f"Mean heat on the pixels within {BOUNDARY} of the object but outside it; contributing from twice the heat of "
        "empty regions and a quarter of the object's on.",
        measure_each(cases, measure),
    )


def _with_heat(images: Array, heat: Array) -> tuple[Array, Array]:
    """The images and maps of those heatmaps that are not zero throughout."""
    heat = np.asarray(heat, np.float64)
    lit = heat.max(axis=(-2, -1)) > 0
    return np.asarray(images)[lit], heat[lit]

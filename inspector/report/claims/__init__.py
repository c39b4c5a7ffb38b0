"""The source report's thirteen inferences, each measured: pure functions from arrays to a verdict."""

from __future__ import annotations

from inspector.report.claims.activations import (
    batch_norm_is_invisible,
    detail_is_lost,
    every_filter_differs,
    green_becomes_blue,
    median_best_match,
    pooling_blurs,
    sections_differ,
)
from inspector.report.claims.base import Claim, Measurement
from inspector.report.claims.filters import (
    mnist_filters_have_one_colour,
    section2_has_more_detail,
    twenty_five_shown,
)
from inspector.report.claims.heatmaps import (
    boundaries_contribute,
    empty_regions_are_unaffected,
    label_resemblance,
    picture_resemblance,
    resemblance_shows_yellow,
    targets_are_the_first_class,
)

__all__ = [
    "Claim",
    "Measurement",
    "batch_norm_is_invisible",
    "boundaries_contribute",
    "detail_is_lost",
    "empty_regions_are_unaffected",
    "every_filter_differs",
    "green_becomes_blue",
    "label_resemblance",
    "median_best_match",
    "mnist_filters_have_one_colour",
    "picture_resemblance",
    "pooling_blurs",
    "resemblance_shows_yellow",
    "section2_has_more_detail",
    "sections_differ",
    "targets_are_the_first_class",
    "twenty_five_shown",
]

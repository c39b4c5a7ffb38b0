"""From the studies of all runs to the thirteen claims: which arrays each one is measured on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from numpy.typing import NDArray

from inspector.report import claims
from inspector.report.claims import Claim
from inspector.report.gather import RunStudy

__all__ = ["measure_claims"]

Array = NDArray[Any]
CONV, RELU, NORM, POOL = "conv", "relu", "batch_norm", "max_pool"


def case_name(study: RunStudy) -> str:
    return f"{study.run.title}, {study.run.framework_title}"


def measure_claims(studies: Sequence[RunStudy]) -> list[Claim]:
    """All thirteen, in order; those that no run speaks of are said to be not measured."""
    return [*_activations(studies), *_filters(studies), *_heatmaps(studies)]


def _pairs(studies: Iterable[RunStudy], before: str, after: str) -> dict[str, tuple[Array, Array]]:
    """The two layers' maps for the probe images, of the runs that have both."""
    return {
        case_name(study): (study.probe_maps[before], study.probe_maps[after])
        for study in studies
        if before in study.probe_maps and after in study.probe_maps
    }


def _sections(studies: Sequence[RunStudy]) -> dict[str, tuple[RunStudy, RunStudy]]:
    """Section-1 and Section-2 for Line side by side, one pair per framework."""
    found = {(study.run.model, study.run.framework): study for study in studies}
    return {
        study.run.framework_title: (study, found["section2-line", framework])
        for (model, framework), study in found.items()
        if model == "section1-line" and ("section2-line", framework) in found
    }


def _same_probes(first: RunStudy, second: RunStudy) -> bool:
    """Outputs can be compared only for the same images."""
    one, other = first.run.probe_images, second.run.probe_images
    return one.shape == other.shape and bool((one == other).all())


def _activations(studies: Sequence[RunStudy]) -> list[Claim]:
    sections = {
        name: (first.probe_maps[CONV], second.probe_maps[CONV])
        for name, (first, second) in _sections(studies).items()
        if _same_probes(first, second) and CONV in first.probe_maps and CONV in second.probe_maps
    }
    return [
        claims.every_filter_differs(
            {case_name(study): study.probe_maps[CONV] for study in studies if CONV in study.probe_maps}
        ),
        claims.green_becomes_blue(_pairs(studies, CONV, RELU)),
        claims.detail_is_lost(_pairs(studies, CONV, RELU)),
        claims.batch_norm_is_invisible(_pairs(studies, RELU, NORM)),
        claims.pooling_blurs(_pairs(studies, NORM, POOL)),
        claims.sections_differ(sections, _controls(studies)),
    ]


def _controls(studies: Sequence[RunStudy]) -> dict[str, float]:
    """The same measure between two frameworks' trainings of one Line model: what chance alone makes of it."""
    controls = {}
    for model in ("section1-line", "section2-line"):
        runs = [study for study in studies if study.run.model == model and CONV in study.probe_maps]
        if len(runs) >= 2 and _same_probes(runs[0], runs[1]):
            controls[
                f"{runs[0].run.title} in {runs[0].run.framework_title} and {runs[1].run.framework_title}"
            ] = claims.median_best_match(runs[0].probe_maps[CONV], runs[1].probe_maps[CONV])
    return controls


def _filters(studies: Sequence[RunStudy]) -> list[Claim]:
    pairs = _sections(studies)
    return [
        claims.twenty_five_shown(
            {case_name(study): (len(study.filters.channels), study.filters.total) for study in studies}
        ),
        claims.section2_has_more_detail(
            {name: (one.filters.maximised, two.filters.maximised) for name, (one, two) in pairs.items()},
            {name: (one.filters.kernels, two.filters.kernels) for name, (one, two) in pairs.items()},
        ),
        claims.mnist_filters_have_one_colour(
            {
                case_name(study): (study.run.dataset, study.filters.maximised)
                for study in studies
                if study.run.dataset in ("line", "mnist")
            }
        ),
    ]


def _heatmaps(studies: Sequence[RunStudy]) -> list[Claim]:
    explained = [study for study in studies if study.reference_number is not None]
    at_layers = [
        (f"{case_name(study)}, at {_where(study, layer)}", study, heat)
        for study in explained
        for layer, heat in study.probe_heat.items()
    ]
    regions = {name: (study.run.probe_images, heat) for name, study, heat in at_layers}
    return [
        claims.targets_are_the_first_class(
            {
                case_name(study): (
                    [heat.target for heats in study.reference.values() for heat in heats],
                    study.reference_target,
                )
                for study in explained
            }
        ),
        claims.resemblance_shows_yellow(
            {name: (_resemblance(study), heat) for name, study, heat in at_layers}
        ),
        claims.empty_regions_are_unaffected(regions),
        claims.boundaries_contribute(regions),
    ]


def _where(study: RunStudy, layer: str) -> str:
    return "the convolution" if layer == study.main_layer else "the last feature map"


def _resemblance(study: RunStudy) -> Array:
    run, number = study.run, study.reference_number
    assert number is not None
    if run.dataset == "mnist":
        return claims.picture_resemblance(run.probe_images, run.probe_labels, number)
    names = run.class_names
    return claims.label_resemblance([names[label] for label in run.probe_labels], names[number])

"""The report of run folders: the chapters of the source document, all models side by side."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from inspector.errors import InputError
from inspector.report.chapters import absences, build_chapters
from inspector.report.content import group_runs
from inspector.report.gather import Options, RunStudy, gather_run
from inspector.report.measured import measure_claims
from inspector.report.page import render_page, versions
from inspector.report.runs import Run, open_run
from inspector.report.summary import Advance, ReportSummary, count_verdicts, silent, write_page

__all__ = ["report_runs"]

STEPS_PER_RUN = 3


def report_runs(
    folders: Sequence[str | PathLike[str]],
    out: str | PathLike[str] = "report.html",
    *,
    options: Options | None = None,
    advance: Advance = silent,
) -> ReportSummary:
    """Write the report of run folders. All are opened before any is looked into, so that a wrong one is told at once.

    Raises InspectorError where a folder is no finished and exported run, or the page cannot be written.
    """
    if not folders:
        raise InputError("no run folder given; `onnxlens train` makes one")
    options = options or Options()
    runs = [open_run(Path(folder)) for folder in dict.fromkeys(map(Path, folders))]
    total = STEPS_PER_RUN * len(runs) + 1
    studies = []
    for number, run in enumerate(runs):
        studies.append(_gathered(run, options, number * STEPS_PER_RUN, total, advance))
    advance(total - 1, total, "page")
    groups = group_runs(studies)
    # the claims' rows in the order of the page's columns, whatever the order of the folders
    claims = measure_claims([study for group in groups for study in group.studies])
    absent = absences(groups)
    page = render_page(
        "runs.html.j2",
        {
            "title": "Looking into six trained networks"
            if len(runs) == 6
            else "Looking into trained networks",
            "studies": [study for group in groups for study in group.studies],
            "overview": [_overview(study) for group in groups for study in group.studies],
            "claims": claims,
            "absent": absent,
            "chapters": build_chapters(groups, claims),
            "how": _how(options, studies),
            "versions": versions(),
        },
    )
    heats = [heat for study in studies for heat in study.heats]
    summary = write_page(page, out, heats, tuple(claims), tuple(absent))
    advance(total, total, "done")
    return summary


def _gathered(run: Run, options: Options, before: int, total: int, advance: Advance) -> RunStudy:
    steps = iter(range(before, before + STEPS_PER_RUN))
    return gather_run(
        run, options, lambda step: advance(next(steps), total, f"{run.title}, {run.framework_title}: {step}")
    )


def _overview(study: RunStudy) -> dict[str, Any]:
    verdicts = count_verdicts(study.heats)
    return {
        "title": study.run.title,
        "framework": study.run.framework_title,
        "accuracy": study.run.metrics["accuracy"],
        "epochs": study.run.info["epochs"],
        "passed": verdicts.pop("passed", 0),
        "checks": sum(count_verdicts(study.heats).values()),
        "others": verdicts,
    }


def _how(options: Options, studies: Sequence[RunStudy]) -> list[str]:
    probes = sorted({f"{len(study.run.probe_images)} for {study.run.title}" for study in studies})
    lines = [
        "Everything is computed by onnxruntime from the ONNX files; no training framework takes part.",
        "Activations: the outputs of the layers named, channel by channel. On its own scale a channel runs from its "
        "least value in this image to its greatest; on one scale all channels of the layer share these two.",
        f"Filters: gradient ascent on the input from a blank grey picture with slight noise (seed {options.seed}), "
        f"{options.steps} steps with a normalised gradient, maximising the mean of one channel of the convolution.",
        "Heatmaps: Grad-CAM (Selvaraju et al. 2017, equations 1 and 2), enlarged with half-pixel bilinear "
        "interpolation, divided by each image's maximum. The score is the logit; of several heads the sum of "
        "their log-probabilities.",
        "Gradient checks: central differences of the file's own forward graph in double precision, in several "
        "directions, from the layer of the heatmap to the score; the greatest relative error is given. "
        "Inconclusive and vacuous verdicts do not count as passed.",
        f"Inferences are measured on probe images of the test set ({', '.join(probes)}), not only on the six shown.",
    ]
    if not options.check:
        lines[4] = "Gradient checks were switched off for this page."
    return lines

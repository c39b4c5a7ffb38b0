"""`build_report`: whatever there is, in; one self-contained HTML page, out."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from inspector.errors import InputError
from inspector.report.gather import Options
from inspector.report.model_report import report_model
from inspector.report.run_report import report_runs
from inspector.report.summary import Advance, ReportSummary, silent

__all__ = ["build_report"]


def build_report(
    sources: Sequence[str | PathLike[str]],
    out: str | PathLike[str] = "report.html",
    *,
    options: Options | None = None,
    advance: Advance = silent,
) -> ReportSummary:
    """Write the report of run folders, or of a model (the first of ``sources``) and pictures (the others).

    Pictures are pre-processed as the model's metadata says. Raises InspectorError where a source is not what it should
    be, or the page cannot be written.
    """
    if not sources:
        raise InputError("nothing to report on: give run folders, or a model and pictures")
    first, *others = map(Path, sources)
    if first.is_dir():
        return report_runs([first, *others], out, options=options, advance=advance)
    from inspector.images import load_pictures
    from inspector.lens import Inspector

    options = options or Options()
    lens = Inspector(first, providers=options.providers, threads=options.threads)
    pictures = load_pictures(others, lens.inputs, lens.metadata)
    return report_model(lens, pictures, out, options=options, advance=advance)

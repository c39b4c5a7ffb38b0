"""`onnxlens report`: one self-contained page about trained runs, or about any model and pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from inspector.cli.console import note, print_path, progress_bar, warn
from inspector.cli.open import open_model, open_pictures
from inspector.cli.options import picture_options, shared_options
from inspector.cli.targets import one_target_each
from inspector.cli.words import as_spelt

if TYPE_CHECKING:
    from inspector.report import ReportSummary

__all__ = ["report"]


@click.command()
@click.argument(
    "paths",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
    metavar="RUN_DIR... | MODEL.onnx IMAGE...",
)
@click.option(
    "--out", type=click.Path(path_type=Path), default="report.html", show_default=True, metavar="FILE"
)
@click.option("--layer", metavar="L", help="Of the heatmaps of a MODEL: name, index or OpType:N.")
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="T",
    help="Of the heatmaps of a MODEL: one, or one for each IMAGE.",
)
@click.option("--check/--no-check", "checked", default=True, show_default=True, help="Check each gradient.")
@picture_options
@shared_options
def report(
    paths: tuple[Path, ...], out: Path, layer: str | None, targets: tuple[str, ...], checked: bool,
    labels: Path | None, provider: str | None, threads: int | None, quiet: bool, **picture: Any,
) -> None:  # fmt: skip
    """Write one self-contained HTML report.

    Of run folders that `train` and `export` made (or a folder of them), side by side; or of any model and pictures. The
    exit code is 1 where a gradient fails its check.
    """
    from inspector.report import Options, report_model, report_runs

    options = Options(check=checked, providers=[provider] if provider else None, threads=threads)
    with progress_bar("report", quiet) as advance:
        if paths[0].is_dir():
            summary = report_runs(run_folders(paths), out, options=options, advance=advance)
        else:
            lens = open_model(paths[0], provider, threads, labels)
            pictures = open_pictures(lens, paths[1:], quiet, **picture)
            names = [name for one in lens.layers(plumbing=True) for name in one.outputs]
            summary = report_model(
                lens, pictures, out, targets=one_target_each(targets, len(pictures), lens),
                layer=as_spelt(layer, names) if layer else None, options=options, advance=advance,
            )  # fmt: skip
    _tell(summary, quiet)
    if summary.failed_checks:
        click.get_current_context().exit(1)


def run_folders(paths: Sequence[Path]) -> list[Path]:
    """The run folders among `paths`; a folder that is none stands for those directly in it."""
    from inspector.report.runs import is_run_folder

    folders: list[Path] = []
    for path in paths:
        inner = sorted(p for p in path.iterdir() if is_run_folder(p)) if path.is_dir() else []
        folders += [path] if is_run_folder(path) or not inner else inner
    return folders


def _tell(summary: ReportSummary, quiet: bool) -> None:
    print_path(summary.path)
    if summary.checks:
        counts = ", ".join(f"{count} {verdict}" for verdict, count in summary.checks.items())
        click.echo(f"gradient checks: {counts}")
    if summary.claims:
        verdicts = Counter(claim.verdict for claim in summary.claims)
        click.echo("claims: " + ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()))
    for what in summary.absent:
        note(what, quiet)
    if summary.failed_checks:
        warn(f"{summary.failed_checks} gradients FAILED their check: the report says which.")

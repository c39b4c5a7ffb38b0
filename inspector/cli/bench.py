"""`onnxlens bench`: how fast this file is here, and which settings to take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from inspector.cli.console import note, print_json, print_table, progress_bar, table
from inspector.cli.options import model_argument, parse_size

if TYPE_CHECKING:
    from inspector.bench import Bench, Recommendation, Row
    from inspector.lens import Inspector

__all__ = ["bench"]


@click.command()
@model_argument
@click.option(
    "--batch",
    "batches",
    multiple=True,
    type=click.IntRange(1),
    metavar="N",
    help="Samples at once; repeat for more.",
)
@click.option(
    "--threads", multiple=True, type=click.IntRange(1), metavar="N", help="Of the runtime; repeat for more."
)
@click.option("--provider", "providers", multiple=True, metavar="NAME",
              help="cpu, cuda, ...; repeat for more (default: all that work).")  # fmt: skip
@click.option("--size", callback=parse_size, metavar="HxW", help="Where the model takes any size.")
@click.option("--rounds", type=click.IntRange(3), default=11, show_default=True, help="Turns of each work.")
@click.option("--seconds", type=click.FloatRange(min=0), default=5.0, show_default=True,
              help="For each batch, after which no round begins.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="No progress bars, no notes.")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
def bench(
    model: Path, batches: tuple[int, ...], threads: tuple[int, ...], providers: tuple[str, ...],
    size: tuple[int, int] | None, rounds: int, seconds: float, as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Measure how fast a model is here, and say which settings to take.

    Its forward pass, the activations of all layers, the gradient at the input and Grad-CAM, over threads, batch sizes
    and providers. They take turns on random input: x is the time over that of the forward pass in the same round,
    medians with quartiles.
    """
    from inspector.bench import Settings, recommend
    from inspector.bench import bench as measure
    from inspector.images import random_feeds

    def feeds(lens: Inspector) -> dict[str, Any]:
        return random_feeds(lens.inputs, lens.metadata, size=size)

    settings = Settings(providers, threads, batches, rounds, seconds)
    with progress_bar("measuring", quiet or as_json) as advance:
        found = measure(model, feeds, settings, advance)
    advice = recommend(found.rows)
    if as_json:
        print_json(_document(model, found, advice))
        return
    _print(found.rows)
    for line in found.notes:
        note(line, quiet)
    for one in advice:
        click.echo(_sentence(one))


def _print(rows: tuple[Row, ...]) -> None:
    """A table for each provider."""
    for provider in dict.fromkeys(row.provider for row in rows):
        click.echo(f"on {provider}:")
        made = table(
            [("threads", "right"), ("batch", "right"), ("work", "left"), ("ms", "right"), ("x forward", "left"),
             ("per second", "right")]
        )  # fmt: skip
        last: tuple[int, int] | None = None
        for row in rows:
            if row.provider != provider:
                continue
            setting = (row.threads, row.batch)
            cells = map(str, setting) if setting != last else ("", "")
            last = setting
            low, middle, high = map(_digits, row.ratio)
            ratio = f"{middle} ({low}-{high})" if row.work != "forward" else middle
            made.add_row(*cells, row.work, _digits(row.milliseconds.middle), ratio, _digits(row.per_second))
        print_table(made)


def _digits(value: float) -> str:
    """Three digits that mean something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _sentence(one: Recommendation) -> str:
    several = "" if one.purpose == "one at a time" else f" --batch {one.batch}"
    return (
        f"{one.purpose}: provider {one.provider}, {one.threads} thread{'s' * (one.threads > 1)}, batch {one.batch}: "
        f"{_digits(one.per_second)} a second (--provider {one.provider} --threads {one.threads}{several})"
    )


def _document(model: Path, found: Bench, advice: list[Recommendation]) -> dict[str, Any]:
    import os
    import platform

    import onnxruntime

    return {
        "model": str(model),
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
            "onnxruntime": onnxruntime.__version__,
            "providers": onnxruntime.get_available_providers(),
        },
        "rows": [row.to_json() for row in found.rows],
        "recommended": [one.to_json() for one in advice],
        "notes": list(found.notes),
    }

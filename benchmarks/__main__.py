"""`python -m benchmarks [SUITE]...`: onnxlens and its peers on the same work, in turn; ratios, JSON, tables, plots."""

from __future__ import annotations

import json
from pathlib import Path

import click

from benchmarks.contenders.table import TABLE
from benchmarks.networks import NETWORKS
from benchmarks.processes import ROOT
from benchmarks.run import Settings, measure_all
from benchmarks.suites import SUITES, TASKS, Choice
from benchmarks.turns import Pace

BUILT = ROOT / "build" / "benchmarks"
PEERS = ROOT / ".venv-bench" / "bin" / "python"
NAMES = (*SUITES, *TASKS)
# the default has its own page
RESULTS, PAGE, PLOTS = (
    ROOT / "benchmarks" / "results" / "default.json",
    ROOT / "docs" / "benchmarks.md",
    ROOT / "docs" / "images" / "benchmarks",
)


@click.command()
@click.argument("suites", nargs=-1, type=click.Choice(NAMES), metavar="[SUITE]...")
@click.option("--quick", is_flag=True, help="Small networks, few rounds: a minute or two for each suite.")
@click.option(
    "--network",
    "networks",
    multiple=True,
    type=click.Choice(list(NETWORKS)),
    help="Only these; repeat for more.",
)
@click.option(
    "--batch", "batches", multiple=True, type=click.IntRange(1), help="Images at once; repeat for more."
)
@click.option(
    "--size",
    "sizes",
    multiple=True,
    type=click.IntRange(28),
    help="Height and width of the images, where a network takes any.",
)
@click.option("--threads", type=click.IntRange(1), help="Of each library (default: one for each core).")
@click.option(
    "--provider",
    "providers",
    multiple=True,
    type=click.Choice(["cpu", "cuda"]),
    help="Repeat for both (default: cpu).",
)
@click.option(
    "--precision", type=click.Choice(["float32", "float16"]), help="Default: float32; on a GPU both."
)
@click.option(
    "--peers",
    "pythons",
    multiple=True,
    type=click.Path(exists=True),
    help="Interpreter of an environment with peers; repeat for more (default: .venv-bench).",
)
@click.option("--rounds", type=click.IntRange(3), help="Turns of each contender (default: 11, quick 5).")
@click.option(
    "--seconds", type=float, help="For each case, after which no round begins (default: 60, quick 10)."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="JSON to write (default: build/benchmarks/results.json)."
)
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(sorted({each.name for each in TABLE})),
    metavar="NAME",
    help="Leave out a contender (torch.compile takes minutes); repeat for more.",
)
@click.option("--fresh", is_flag=True, help="Begin anew where a run was not finished, instead of going on.")
@click.option(
    "--page/--no-page",
    "paged",
    default=False,
    help="Write docs/benchmarks.md and its plots from the JSON of the default run.",
)
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, path_type=Path),
    help="Measure nothing: take the JSON of an earlier run.",
)
def main(
    suites: tuple[str, ...], quick: bool, networks: tuple[str, ...], batches: tuple[int, ...], sizes: tuple[int, ...],
    threads: int | None, providers: tuple[str, ...], precision: str | None, pythons: tuple[str, ...],
    rounds: int | None, seconds: float | None, out: Path | None, without: tuple[str, ...],
    fresh: bool, paged: bool, source: Path | None,
) -> None:  # fmt: skip
    """Onnxlens beside its peers: the same weights, images and threads, in turn, as ratios.

    Suites: forward, activations, gradcam, gradient, sweeps, perturbation, maximise, build, memory,
    startup (default: all).
    """
    from benchmarks.page import terminal, write

    if source is None:
        source = out or (RESULTS if paged else BUILT / "results.json")
        pace = Pace(rounds or (5 if quick else 11), seconds or (10 if quick else 60))
        choice = Choice(
            BUILT / "files", threads or 0, "cpu", networks, batches, sizes, quick=quick, without=without
        )
        settings = Settings(
            suites or NAMES, choice, providers or ("cpu",), list(pythons) or _peers(), pace, precision
        )
        measure_all(settings, BUILT, source, lambda line: click.echo(line, err=True), fresh)
        click.echo(f"{source}", err=True)
    found = json.loads(source.read_text())
    click.echo(terminal(found))
    if paged:
        write(found, PAGE, PLOTS)
        click.echo(f"{PAGE}", err=True)


def _peers() -> list[str]:
    return [str(PEERS)] if PEERS.exists() else []


if __name__ == "__main__":
    main()

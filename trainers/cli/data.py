"""`onnxlens data line|mnist`: make or fetch a data set, write it, and say what it holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from trainers.data import Dataset

__all__ = ["data"]

Command = Callable[..., None]


def a_folder(_context: click.Context, _option: click.Parameter, out: Path | None) -> Path | None:
    """Refuse `--out lines.npz`: a folder of that name would be a surprise."""
    if out is not None and out.suffix == ".npz" and not out.is_dir():
        raise click.BadParameter(
            f"{out} names a file: give the folder to write to, the file is named after the data set"
        )
    return out


def output_options(command: Command) -> Command:
    """What both data sets' commands have in common."""
    for option in reversed(
        (
            click.option(
                "--out",
                type=click.Path(path_type=Path, file_okay=False),
                callback=a_folder,
                help="Folder to write to.  [default: data/NAME]",
            ),
            click.option(
                "--format",
                "file_format",
                type=click.Choice(["npz", "png", "both"]),
                default="npz",
                show_default=True,
                help="One .npz file, one PNG per image (train/ and test/), or both.",
            ),
            click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON."),
            click.option("--quiet", "-q", is_flag=True, help="No progress bars, no table."),
            click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error."),
        )
    ):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def data() -> None:
    """Make or fetch a data set, write it as .npz or PNG, and print what it holds."""


@data.command()
@click.option(
    "--images-per-class", type=click.IntRange(min=3), default=1000, show_default=True, help="96 classes."
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same images."
)
@output_options
def line(images_per_class: int, seed: int, **output: Any) -> None:
    """Straight lines in 96 classes: length, width, angle and colour. Generated.

    PNG files are named length_width_angle_colour_id, as 1_1_9_0_3.png.
    """
    from trainers.data import load

    write(load("line", images_per_class=images_per_class, seed=seed), **output)


@data.command()
@click.option(
    "--mnist-dir",
    type=click.Path(path_type=Path),
    help="Folder with the four IDX files, raw or .gz; looked in before the cache.",
)
@click.option(
    "--limit", type=click.IntRange(min=60), help="Only so many training images, and a sixth of it to test."
)
@output_options
def mnist(mnist_dir: Path | None, limit: int | None, **output: Any) -> None:
    """Handwritten digits, 60,000 to train and 10,000 to test. Found on this machine, or fetched once.

    Looked for in --mnist-dir, then in the cache (XDG_CACHE_HOME, ~/.cache), then fetched; always verified by SHA-256.
    """
    from trainers.data import load

    with byte_bars(quiet=output["quiet"]) as advance:
        dataset = load("mnist", mnist_dir=mnist_dir, limit=limit, progress=advance)
    write(dataset, **output)


def write(dataset: Dataset, out: Path | None, file_format: str, as_json: bool, quiet: bool) -> None:
    """Write the files asked for, then print what the data set holds."""
    from trainers.data import summarise
    from trainers.data.save import save_npz, save_pngs

    folder = out or Path("data") / dataset.name
    written: list[Path] = []
    if file_format in {"npz", "both"}:
        written.append(save_npz(dataset, folder))
    if file_format in {"png", "both"}:
        with image_bar(quiet=quiet) as advance:
            written.append(save_pngs(dataset, folder, advance))
    if as_json:
        summary = summarise(dataset) | {"written": [str(path) for path in written]}
        click.echo(json.dumps(summary, indent=2))
    elif not quiet:
        print_table(summarise(dataset), written)


def print_table(summary: dict[str, Any], written: list[Path]) -> None:
    """The figures of `summarise`, for people."""
    from rich.console import Console
    from rich.table import Table

    counts, details = summary["distinct_per_class"], summary["details"]
    rows = {
        "classes": f"{summary['classes']}",
        "images": f"{summary['images']:,} of {' x '.join(map(str, summary['image_shape']))}",
        "training, test": f"{summary['train']:,}, {summary['test']:,}",
        "distinct images per class": f"min {counts['min']:,}, median {counts['median']:,g}, max {counts['max']:,}",
        "test images with a twin in training": f"{summary['test_twins']:,}",
    }
    if "twins_under_naive_split" in details:
        twins, images = details["twins_under_naive_split"], details["test_images_under_naive_split"]
        rows["... had equal images been split too"] = f"{twins:,} of {images:,} ({twins / images:.1%})"
    if "sources" in details:
        rows["read from"] = ", ".join(details["sources"])
    rows["written"] = ", ".join(map(str, written))
    table = Table(title=f"Data set {summary['name']}", show_header=False, title_justify="left")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, value)
    Console().print(table, markup=False)


def bar_place(*, quiet: bool) -> dict[str, Any]:
    """Progress bars go to stderr, and only where it is a terminal: in a log they are noise."""
    from rich.console import Console

    console = Console(stderr=True)
    return {"console": console, "transient": True, "disable": quiet or not console.is_terminal}


@contextmanager
def image_bar(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr for images written."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, **bar_place(quiet=quiet)) as bars:
        task = bars.add_task("writing images", total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


@contextmanager
def byte_bars(*, quiet: bool) -> Iterator[Callable[[str, int, int | None], None]]:
    """One progress bar on stderr for each file that is downloaded."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, **bar_place(quiet=quiet)) as bars:
        tasks: dict[str, TaskID] = {}

        def advance(name: str, received: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name)
            bars.update(tasks[name], completed=received, total=total)

        yield advance

"""What commands print: tables and paths to stdout; notes, warnings and progress to stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

__all__ = [
    "note",
    "plain",
    "print_json",
    "print_path",
    "print_table",
    "progress_bar",
    "table",
    "track",
    "warn",
]

T = TypeVar("T")
WIDEST = 1000


def table(columns: Sequence[tuple[str, str]]) -> Table:
    """An empty table; each column is (heading, "left" or "right")."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, justify in columns:
        made.add_column(heading, justify="right" if justify == "right" else "left", overflow="fold")
    return made


def plain(value: str) -> Text:
    """`value` as it is: a tensor's name may hold what rich would take for markup."""
    from rich.text import Text

    return Text(value)


def print_table(made: Table) -> None:
    """To a terminal at its width; into a pipe or file as wide as it needs, so that no name is cut."""
    from rich.console import Console

    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        width = console.measure(made, options=console.options.update(width=WIDEST)).maximum
        console = Console(file=sys.stdout, highlight=False, width=max(width, 40), color_system=None)
    # rich pads every line to the table's width
    with console.capture() as capture:
        console.print(made)
    click.echo("\n".join(line.rstrip() for line in capture.get().strip("\n").splitlines()))


def print_json(value: Any) -> None:
    """One JSON document, nothing else, on stdout; NaN and infinity become null, which JSON has no other word for."""
    import json

    from inspector.render import plain_values

    click.echo(json.dumps(plain_values(value), indent=2, ensure_ascii=False, allow_nan=False))


def print_path(path: Path) -> None:
    """A file that was written."""
    click.echo(str(path))


def note(message: str, quiet: bool = False) -> None:
    """Something worth knowing, on stderr."""
    if not quiet:
        click.echo(f"Note: {message}", err=True)


def warn(message: str) -> None:
    """Something that must not be missed, whatever --quiet says."""
    click.echo(click.style(f"Warning: {message}", fg="yellow"), err=True)


def _silent(done: int, total: int, step: str) -> None:
    """Progress that nobody watches."""


@contextmanager
def progress_bar(label: str, quiet: bool = False) -> Iterator[Callable[[int, int, str], None]]:
    """A function to call with (steps done, steps in all, what begins now); a bar on stderr where that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as progress:
        task = progress.add_task(label, total=None)

        def advance(done: int, total: int, step: str) -> None:
            progress.update(
                task, completed=done, total=total, description=f"{label}: {step}" if step else label
            )

        yield advance


def track(items: Iterable[T], label: str, total: int, quiet: bool = False) -> Iterator[T]:
    """`items`, with a progress bar on stderr where that is a terminal and the work has more than one step."""
    with progress_bar(label, quiet or total < 2) as advance:
        for done, item in enumerate(items):
            advance(done, total, "")
            yield item

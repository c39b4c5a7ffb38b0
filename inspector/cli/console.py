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
    "print_rows",
    "print_table",
    "progress_bar",
    "shortened",
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


def print_rows(
    columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]], shrinking: Sequence[tuple[int, int]]
) -> bool:
    """Each row on one line of a terminal where that can be; into a pipe or file as wide as it needs.

    Args:
        columns: as for `table`; those without a cell are left out.
        rows: the cells.
        shrinking: (column, least width) of those whose cells lose their middle where room is short, in this order.

    Returns:
        Whether anything was left out of a cell.
    """
    from rich.console import Console

    def made(cells: Sequence[Sequence[str]]) -> Table:
        filled = [place for place in range(len(columns)) if any(row[place] for row in cells)]
        result = table([columns[place] for place in filled])
        for row in cells:
            result.add_row(*(plain(row[place]) for place in filled))
        return result

    console = Console(file=sys.stdout, highlight=False)
    fitted: Sequence[Sequence[str]] = rows
    for column, least in shrinking if console.is_terminal else ():
        natural = console.measure(made(fitted), options=console.options.update(width=WIDEST)).maximum
        widest = max((len(row[column]) for row in fitted), default=0)
        if natural <= console.width or widest <= least:
            continue
        room = max(widest - (natural - console.width), least)
        short = shortened([row[column] for row in rows], room)
        fitted = [[*row[:column], cell, *row[column + 1 :]] for row, cell in zip(fitted, short, strict=True)]
    print_table(made(fitted))
    return fitted is not rows


def shortened(cells: Sequence[str], width: int) -> list[str]:
    """`cells` in at most `width` characters: the middle left out, or where that makes several the same, what is common.

    Where they differ by what lies in the middle alone, the first difference and what follows is kept.
    """
    short = [_without_middle(cell, width) for cell in cells]
    alike: dict[str, set[str]] = {}
    for cell, seen in zip(cells, short, strict=True):
        alike.setdefault(seen, set()).add(cell)
    starts = {seen: _common(group) for seen, group in alike.items() if len(group) > 1}
    return [
        _from_difference(cell, starts[seen], width) if seen in starts else seen
        for cell, seen in zip(cells, short, strict=True)
    ]


def _common(texts: Iterable[str]) -> int:
    """How many characters they begin with alike."""
    count = 0
    for letters in zip(*texts, strict=False):
        if len(set(letters)) > 1:
            break
        count += 1
    return count


def _without_middle(text: str, width: int) -> str:
    if len(text) <= width:
        return text
    # names differ at their ends more than where they begin
    end = (width - 1) * 2 // 3
    return f"{text[: width - 1 - end]}…{text[len(text) - end :]}"


def _from_difference(text: str, start: int, width: int) -> str:
    """What begins where `text` differs from others, with the end of the word before and its last character."""
    start = min(max(start - width // 4, 0), len(text) - 1)
    room = width - (start > 0)
    rest = text[start:]
    return ("…" if start else "") + (rest if len(rest) <= room else f"{rest[: room - 2]}…{rest[-1]}")


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

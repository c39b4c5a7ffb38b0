"""Training as seen on the terminal: a bar for the epoch under way and a line for every one done, on stderr."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from trainers.training import OnBatch, OnEpoch

__all__ = ["training_bars"]


@contextmanager
def training_bars(epochs: int, quiet: bool) -> Iterator[tuple[OnBatch, OnEpoch]]:
    """What to hand to `train` as `on_batch` and `on_epoch`; nothing is shown if `quiet`."""
    if quiet:
        yield (lambda *_: None), (lambda _: None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, highlight=False)
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.4f}"), TimeRemainingColumn(),
    )  # fmt: skip
    # into a file or pipe only the lines go
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("", total=None, visible=False, loss=float("nan"))

        def on_batch(epoch: int, done: int, total: int, loss: float) -> None:
            description = f"epoch {epoch}/{epochs}"
            if done == 1:
                bars.reset(task, total=total, visible=True, description=description)
            bars.update(task, completed=done, loss=loss)

        def on_epoch(record: dict[str, Any]) -> None:
            console.print(
                f"epoch {record['epoch']}/{epochs}  loss {record['loss']:.4f}  accuracy {record['accuracy']:.2%}  "
                f"held out: loss {record['val_loss']:.4f}  accuracy {record['val_accuracy']:.2%}  "
                f"({record['seconds']:.0f} s)",
                soft_wrap=True,
            )

        yield on_batch, on_epoch

"""The commands `onnxlens data`, `train` and `demo`. Each is imported when it is asked for, not before."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

__all__ = ["data", "demo", "train"]

COMMANDS = {"data": "trainers.cli.data", "demo": "trainers.cli.demo", "train": "trainers.cli.train"}

data: click.Command
demo: click.Command
train: click.Command


def __getattr__(name: str) -> click.Command:
    if name not in COMMANDS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(COMMANDS[name])
    # importing a sub-module binds it to its own name here; what this package offers by that name is the command
    command: click.Command = getattr(module, name)
    globals()[name] = command
    return command

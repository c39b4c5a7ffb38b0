"""The commands `onnxlens data`, `train` and `demo`. Each is imported when it is asked for, not before."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

    data: click.Command
    demo: click.Command
    train: click.Command

__all__ = ["data", "demo", "train"]

MODULES = {"data": "trainers.cli.data", "demo": "trainers.cli.demo", "train": "trainers.cli.train"}


class CommandPackage(ModuleType):
    """A package whose attribute by a command's name is the command, not the sub-module of the same name.

    Importing a sub-module binds it to its own name in its package: whoever did that first would otherwise decide what
    `from trainers.cli import data` means.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if name in MODULES and isinstance(value, ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> object:
        if name not in MODULES:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        import_module(MODULES[name])
        return self.__dict__[name]


sys.modules[__name__].__class__ = CommandPackage

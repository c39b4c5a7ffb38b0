"""Options that commands share, as decorators. This module loads click alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = [
    "image_arguments",
    "model_argument",
    "model_path",
    "out_option",
    "picture_options",
    "shared_options",
]

F = TypeVar("F", bound=Callable[..., Any])

FITS = ("crop", "squash", "letterbox")
PRESETS = ("imagenet", "unit", "signed", "caffe", "raw")


class Numbers(click.ParamType):
    """Numbers separated by commas: one for all channels, or one per channel."""

    name = "numbers"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(float(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not a number, nor numbers separated by commas.", param, ctx)
        return numbers


class Size(click.ParamType):
    """Height x width in pixels; one number is both."""

    name = "HxW"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        parts = str(value).lower().replace("×", "x").replace(",", "x").split("x")
        if len(parts) > 2 or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
            self.fail(f"{value!r} is not a size: give 224 or 224x320 (height x width).", param, ctx)
        height, width = int(parts[0]), int(parts[-1])
        return height, width


model_path = click.Path(path_type=Path)
model_argument = click.argument("model", type=model_path, metavar="MODEL.onnx")


def image_arguments(required: bool = True) -> Callable[[F], F]:
    """IMAGE...: pictures, folders of them, .npy and .npz files."""
    return click.argument(
        "images",
        nargs=-1,
        required=required,
        type=click.Path(path_type=Path),
        metavar="IMAGE..." if required else "[IMAGE]...",
    )


def out_option(default: str) -> Callable[[F], F]:
    """--out DIR."""
    return click.option(
        "--out",
        type=click.Path(path_type=Path),
        default=default,
        show_default=True,
        metavar="DIR",
        help="Folder to write to.",
    )


def shared_options(function: F) -> F:
    """What every command on a model takes."""
    for option in reversed(
        [
            click.option(
                "--provider",
                metavar="NAME",
                help="Run on cpu, cuda, ... (default: cuda where it works, else cpu).",
            ),
            click.option(
                "--threads", type=click.IntRange(min=1), metavar="N", help="Threads for the runtime."
            ),
            click.option("--quiet", "-q", is_flag=True, help="No progress bars, no notes."),
            # read from the arguments when an error is reported: see failures.traceback_wanted
            click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error."),
        ]
    ):
        function = option(function)
    return function


def picture_options(function: F) -> F:
    """How a picture becomes the model's input, where its metadata does not say so or is to be overruled."""
    for option in reversed(
        [
            click.option(
                "--preset",
                type=click.Choice(PRESETS),
                help="How pixels are scaled (default: the model's metadata).",
            ),
            click.option(
                "--mean",
                type=Numbers(),
                help="Subtracted, per channel, in units of the range: 0.485,0.456,0.406",
            ),
            click.option(
                "--std", type=Numbers(), help="Divided by, per channel, in the tensor's channel order."
            ),
            click.option("--size", type=Size(), help="Height x width, where the model takes any size."),
            click.option("--bgr", is_flag=True, help="The model takes blue, green, red."),
            click.option(
                "--fit",
                type=click.Choice(FITS),
                default="crop",
                show_default=True,
                help="How a picture gets the model's proportions.",
            ),
            click.option(
                "--labels",
                type=click.Path(path_type=Path),
                metavar="FILE",
                help="Class names, one a line, or JSON.",
            ),
        ]
    ):
        function = option(function)
    return function

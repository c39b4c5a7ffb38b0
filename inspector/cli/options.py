"""Options that commands share, as decorators. This module loads click alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = [
    "cache_option",
    "image_arguments",
    "model_argument",
    "model_path",
    "out_option",
    "parse_size",
    "picture_options",
    "shared_options",
]

F = TypeVar("F", bound=Callable[..., Any])

FITS = ("crop", "squash", "letterbox")
PRESETS = ("imagenet", "unit", "signed", "caffe", "raw")


def parse_channels(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[float, ...] | None:
    """Numbers separated by commas: one for all channels, or one per channel."""
    if value is None:
        return None
    try:
        return tuple(float(part) for part in value.split(","))
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a number, nor numbers separated by commas.") from None


def parse_size(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """`224` or `224x320`: height x width in pixels; one number is both."""
    if value is None:
        return None
    parts = value.lower().replace("×", "x").replace(",", "x").split("x")
    if len(parts) > 2 or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise click.BadParameter(f"{value!r} is not a size: give 224 or 224x320 (height x width).")
    return int(parts[0]), int(parts[-1])


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


cache_option = click.option(
    "--cache",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Keep built gradient graphs here for later runs (default: as ONNXLENS_CACHE says, else nowhere).",
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
                callback=parse_channels,
                metavar="M[,M,M]",
                help="Subtracted, per channel, in units of the range: 0.485,0.456,0.406",
            ),
            click.option(
                "--std",
                callback=parse_channels,
                metavar="N[,N,N]",
                help="Divided by, per channel, in the tensor's channel order.",
            ),
            click.option(
                "--size",
                callback=parse_size,
                metavar="HxW",
                help="Height x width, where the model takes any size.",
            ),
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

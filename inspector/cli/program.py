"""The program: a static table of commands, looked up late, and one place where every failure becomes an exit code."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import click

from inspector._version import __version__
from inspector.cli.failures import exit_code_and_line, traceback_wanted

__all__ = ["COMMANDS", "Program", "main"]


class Entry(NamedTuple):
    """Where a command lives, and its line in `onnxlens --help`."""

    where: str | None  # "module:function", or None: found by entry point when it is called
    help: str


COMMANDS: dict[str, Entry] = {
    "demo": Entry(None, "From nothing to the report: data, training, export, inspection."),
    "data": Entry(None, "Make or fetch a data set (line, mnist)."),
    "train": Entry(None, "Train one of the models in PyTorch or TensorFlow."),
    "export": Entry(None, "Write a trained model as ONNX, with its intermediate layers as outputs."),
    "layers": Entry("inspector.cli.layers:layers", "List the layers of any ONNX model."),
    "activations": Entry("inspector.cli.activations:activations", "Draw what each layer makes of a picture."),
    "filters": Entry(
        "inspector.cli.filters:filters", "Draw kernels, or the pictures that filters answer to."
    ),
    "explain": Entry(
        "inspector.cli.explain:explain", "Draw heatmaps of what a prediction rests on (Grad-CAM, ...)."
    ),
    "evaluate": Entry(
        "inspector.cli.evaluate:evaluate", "Measure how good explanations are, method by method."
    ),
    "embed": Entry("inspector.cli.embed:embed", "Write one ONNX file that also returns the heatmap."),
    "check": Entry("inspector.cli.check:check", "Check the gradient against finite differences."),
    "bench": Entry(
        "inspector.cli.bench:bench", "Measure how fast a model is here, and say which settings to take."
    ),
    "report": Entry("inspector.cli.report:report", "Write one self-contained HTML report."),
}

ENTRY_POINTS = "onnxlens.commands"


class Program(click.Group):
    """A group that knows its commands' names and help without importing them, and that never shows a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        if entry.where is None:
            return _outside_command(cmd_name)
        module, _, function = entry.where.partition(":")
        return _as_command(getattr(importlib.import_module(module), function), cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(COMMANDS)}."
            raise click.UsageError(f"no command {name!r}: {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])

    def main(  # type: ignore[override]  # narrower than click's: it always ends the process
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        **extra: Any,
    ) -> None:
        """Run the program and leave with the documented exit code (0, 1, 2, 3 or 130)."""
        given = list(sys.argv[1:] if args is None else args)
        extra["standalone_mode"] = False
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _one_line
                # whatever a command returns is its own business: only ctx.exit(code) sets the code
                code = super().main(given, prog_name or "onnxlens", **extra)
            sys.stdout.flush()
        except (Exception, KeyboardInterrupt) as error:
            code, line = exit_code_and_line(error)
            if traceback_wanted(given):
                import traceback

                traceback.print_exception(error)
            if line:
                click.echo(line, err=True)
            if isinstance(error, OSError):
                _give_up_stdout()
        sys.exit(code)

    def invoke(self, ctx: click.Context) -> int:
        try:
            super().invoke(ctx)
        except BrokenPipeError:
            # the reader (head, less) has seen enough; click would make it exit code 1, which here is a failed check
            _give_up_stdout()
        return 0


def _one_line(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: str | None = None,
) -> None:
    """A warning from Python as people read it: no file name, no line of code."""
    click.echo(f"Warning: {' '.join(str(message).split())}", err=True)


def _give_up_stdout() -> None:
    """Point stdout nowhere where it cannot be written to, so that Python does not complain again when it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _as_command(found: object, name: str) -> click.Command:
    if not isinstance(found, click.Command):
        raise click.UsageError(f"the command {name!r} of this installation is not a click command.")
    return found


def _outside_command(name: str) -> click.Command:
    """A command that lives beside the inspector; its packages may need extras that are not installed."""
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINTS, name=name):
        return _as_command(point.load(), name)
    raise click.UsageError(
        f"the command {name!r} is not installed: reinstall onnxlens (pip install 'onnxlens[all]')."
    )


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="`onnxlens COMMAND --help` shows a command's options.",
)
@click.version_option(__version__, "--version", prog_name="onnxlens")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
def main() -> None:
    """The microscope for neural networks in ONNX: activations, filters, Grad-CAM and checked gradients."""

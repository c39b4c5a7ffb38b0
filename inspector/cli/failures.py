"""How a failure leaves the program: 2 bad usage or input, 3 an internal error, 130 Ctrl-C; always one line."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

import click

from inspector._version import __version__
from inspector.errors import InspectorError

__all__ = ["exit_code_and_line", "traceback_wanted"]

BAD_INPUT, INTERNAL, INTERRUPTED = 2, 3, 130
OURS = {"inspector", "trainers", "export"}


def traceback_wanted(arguments: Sequence[str]) -> bool:
    """Whether `--debug` stands anywhere before a `--`."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--debug" in options


def exit_code_and_line(error: BaseException) -> tuple[int, str]:
    """The exit code and the line for people that belong to `error`; the line is empty where none is wanted."""
    if isinstance(error, KeyboardInterrupt) or _is_interrupt(error):
        return INTERRUPTED, "Interrupted."
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return BAD_INPUT, error.format_message()
    if isinstance(error, click.UsageError):
        return BAD_INPUT, _line(error.format_message(), _hint(error))
    if isinstance(error, click.ClickException):
        return BAD_INPUT, _line(error.format_message())
    if isinstance(error, InspectorError):
        return BAD_INPUT, _line(str(error))
    # the sibling packages have error trees of their own, recognised by this attribute
    code = getattr(error, "exit_code", None)
    if isinstance(code, int):
        return code, _line(str(error))
    if isinstance(error, OSError):
        return _system_error(error)
    if isinstance(error, MemoryError):
        return BAD_INPUT, _line(
            "not enough memory for this: give fewer or smaller pictures, or name fewer layers."
        )
    if isinstance(error, ModuleNotFoundError) and _package(error) not in OURS:
        return BAD_INPUT, _missing_module(error)
    what = f"internal error: {type(error).__name__}: {error}"
    how = (
        f"(a bug in onnxlens {__version__}: please report it with what the same command prints with --debug)"
    )
    return INTERNAL, _line(what, how)


def _is_interrupt(error: BaseException) -> bool:
    """Click turns Ctrl-C into Abort, and end-of-file, which is no interrupt, as well."""
    return isinstance(error, click.Abort) and not isinstance(error.__cause__, EOFError)


def _system_error(error: OSError) -> tuple[int, str]:
    if error.errno == errno.EPIPE:
        # the reader (head, less) has gone: nothing is wrong, and nobody is left to tell
        return 0, ""
    reason = error.strerror or str(error) or type(error).__name__
    if error.errno == errno.ENOSPC:
        reason = "the disk is full"
    path = f"{os.fspath(error.filename)!s}: " if error.filename is not None else ""
    return BAD_INPUT, _line(f"{path}{reason}.")


def _package(error: ModuleNotFoundError) -> str:
    return (error.name or "").partition(".")[0]


def _missing_module(error: ModuleNotFoundError) -> str:
    name = _package(error)
    extras = {"torch": "torch", "onnxscript": "torch", "tensorflow": "tensorflow", "keras": "tensorflow"}
    extra = extras.get(name, {"tf2onnx": "tensorflow", "sklearn": "all"}.get(name))
    if extra is None:
        return _line(f"the package {name!r} is missing: reinstall onnxlens.")
    return _line(f"this needs the package {name!r}: pip install 'onnxlens[{extra}]'.")


def _hint(error: click.UsageError) -> str:
    return f"(See `{error.ctx.command_path} --help`.)" if error.ctx is not None else ""


def _line(*parts: str) -> str:
    """`Error: ...` on one line, whatever line ends the message holds."""
    text = " ".join(part for part in parts if part)
    return "Error: " + " ".join(line.strip() for line in text.splitlines() if line.strip())

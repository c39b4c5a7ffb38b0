"""The error that everything in `export` raises on purpose."""

from __future__ import annotations

__all__ = ["ExportError", "first_line"]


class ExportError(ValueError):
    """The model cannot be exported as asked; the message says why and what to do. No file is left behind."""

    exit_code = 2


def first_line(error: BaseException) -> str:
    """The first line of another library's message, or its type where it has none."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__

"""The error that everything in `export` raises on purpose."""

from __future__ import annotations

__all__ = ["ExportError", "first_line"]


class ExportError(ValueError):
    """The model cannot be exported as asked; the message says why and what to do. No file is left behind."""

    exit_code = 2


def first_line(error: BaseException) -> str:
    """The line of another library's message that says most, or its type where it has none."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    # TensorFlow's autograph puts a traceback into the message, and the cause last
    return lines[-1] if lines[0] == "in user code:" else lines[0]

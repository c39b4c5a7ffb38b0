"""The error that everything in `export` raises on purpose."""

from __future__ import annotations

__all__ = ["ExportError"]


class ExportError(ValueError):
    """The model cannot be exported as asked; the message says why and what to do. No file is left behind."""

    exit_code = 2

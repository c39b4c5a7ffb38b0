"""The `onnxlens` program. Importing it loads click alone; each command's module is loaded when it is called."""

from __future__ import annotations

from inspector.cli.program import main

__all__ = ["main"]

"""The cases that are known to fall short, by name, each with its reason."""

from __future__ import annotations

__all__ = ["SHORT"]

SHORT: dict[str, str] = {}

"""Operators that runtimes fuse, decomposed: one file per family, each ending in a table."""

from __future__ import annotations

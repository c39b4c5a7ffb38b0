"""The table of real files."""

from __future__ import annotations

from tests.zoo.file import RealFile
from tests.zoo.further import FURTHER
from tests.zoo.later import LATER
from tests.zoo.named import NAMED

__all__ = ["FILES"]

FILES: tuple[RealFile, ...] = (*NAMED, *FURTHER, *LATER)

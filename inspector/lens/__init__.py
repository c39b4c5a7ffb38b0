"""One model, looked into: the library's front door."""

from __future__ import annotations

from inspector.lens.inspector import Inputs, Inspector
from inspector.lens.opened import LayerSpec, Score

__all__ = ["Inputs", "Inspector", "LayerSpec", "Score"]

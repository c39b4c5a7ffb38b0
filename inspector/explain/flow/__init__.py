"""The way of the evidence from the input to the score."""

from __future__ import annotations

from inspector.explain.flow.dominators import dominators
from inspector.explain.flow.masks import ALL, Mask
from inspector.explain.flow.needed import Need, needed

__all__ = ["ALL", "Mask", "Need", "dominators", "needed"]

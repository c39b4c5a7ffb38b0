"""Class activation maps: where in a layer the evidence for a target lies."""

from __future__ import annotations

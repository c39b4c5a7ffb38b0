"""Attributions that rest on gradients at the input or at a layer."""

from __future__ import annotations

"""What single channels, neurons, directions and classes respond to: made images, found crops, and kernels."""

from __future__ import annotations

from inspector.features.maximize import maximize

__all__ = ["maximize"]

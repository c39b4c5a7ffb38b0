"""What single channels, neurons, directions and classes respond to: made images, found crops, and kernels."""

from __future__ import annotations

from inspector.features.crops import Crop, top_crops
from inspector.features.kernels import read_kernels
from inspector.features.maximize import maximize

__all__ = ["Crop", "maximize", "read_kernels", "top_crops"]

"""What it ran on."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

__all__ = ["describe", "gpu_missing", "load"]


def describe() -> dict[str, Any]:
    """Processor, cores, providers."""
    import onnxruntime

    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "onnxruntime providers": onnxruntime.get_available_providers(),
    }


def load() -> float | None:
    """How many processes wanted a core in the last minute; None where the system does not say."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def gpu_missing() -> str | None:
    """Why nothing can run on a GPU; None: it can."""
    import onnxruntime

    from inspector.session import cuda_driver_present

    if not cuda_driver_present():
        return "no NVIDIA driver or no GPU here"
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return "this onnxruntime has no CUDA provider"
    return None

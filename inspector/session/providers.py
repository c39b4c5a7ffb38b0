"""Where a model runs: which execution providers to ask onnxruntime for."""

from __future__ import annotations

import ctypes
import sys
import warnings
from collections.abc import Sequence
from functools import cache
from typing import TypeAlias

from inspector.errors import InspectorError

__all__ = ["Provider", "choose_providers", "cuda_driver_present"]

# a name, or a name with its options
Provider: TypeAlias = "str | tuple[str, dict[str, str]]"

SHORT_NAMES = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "gpu": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "dml": "DmlExecutionProvider",
    "directml": "DmlExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "rocm": "ROCMExecutionProvider",
    "migraphx": "MIGraphXExecutionProvider",
    "webgpu": "WebGpuExecutionProvider",
}
CPU, CUDA = SHORT_NAMES["cpu"], SHORT_NAMES["cuda"]

# TF32 keeps 10 bits of the mantissa: its gradients are off by 1e-3. An exhaustive search of algorithms takes seconds
# per shape and pays only in long runs.
OPTIONS = {CUDA: {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}}


def choose_providers(asked: Sequence[str] | str | None) -> list[Provider]:
    """The providers to ask for, in order; CPU always stands last, for operators that the others lack.

    Args:
        asked: short or full names; None: CUDA where both onnxruntime and the machine have it, else CPU.

    Raises:
        InspectorError: one that this onnxruntime does not have, or CUDA on a machine without its driver.
    """
    warn_of_two_wheels()
    import onnxruntime

    available = onnxruntime.get_available_providers()
    if asked is None:
        names = [CUDA] if CUDA in available and cuda_driver_present() else []
    else:
        names = [
            SHORT_NAMES.get(name.casefold(), name) for name in ([asked] if isinstance(asked, str) else asked)
        ]
    for name in names:
        if name not in available:
            raise InspectorError(f"this onnxruntime has no provider '{name}'; it has {', '.join(available)}")
        if name == CUDA and not cuda_driver_present():
            raise InspectorError(
                "CUDA was asked for, but this machine has no NVIDIA driver or no GPU: use provider cpu"
            )
    names = list(dict.fromkeys([*names, CPU]))
    return [(name, OPTIONS[name]) if name in OPTIONS else name for name in names]


@cache
def cuda_driver_present() -> bool:
    """Whether the CUDA driver is installed and sees a GPU.

    onnxruntime asked for CUDA without one prints an error and silently runs on the CPU.
    """
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(name)
    except OSError:
        return False
    count = ctypes.c_int(0)
    # CUDA driver API: 0 is CUDA_SUCCESS
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


@cache
def warn_of_two_wheels() -> None:
    """Two onnxruntime wheels overwrite each other's files: which one then runs is chance."""
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for wheel in ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml"):
        try:
            version(wheel)
        except PackageNotFoundError:
            continue
        found.append(wheel)
    if len(found) > 1:
        warnings.warn(
            f"{' and '.join(found)} are installed over each other: uninstall both, then install one of them",
            RuntimeWarning,
            stacklevel=3,
        )

"""Operators of com.microsoft in double precision."""

from __future__ import annotations

import numpy as np

from inspector.check.kernels.call import Array, Call, Kernel

__all__ = ["KERNELS"]


def inverse(_: Call, x: Array) -> Array:
    """Of each matrix in the last two axes."""
    result: Array = np.linalg.inv(x)
    return result


KERNELS: dict[str, Kernel] = {"Inverse": inverse}

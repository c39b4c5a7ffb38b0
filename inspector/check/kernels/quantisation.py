"""From integers to floats and back, for every version of the operators: onnx.reference starts at version 19."""

from __future__ import annotations

import numpy as np

from inspector.check.kernels.call import Array, Call

__all__ = ["dequantize_linear"]


def dequantize_linear(
    _: Call,
    x: Array,
    scale: Array,
    zero: Array | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
) -> Array:
    """(x - zero) * scale in float64, whose element type `scale` has here; `output_dtype` says the same."""
    numbers: Array = x.astype(np.float64)
    if zero is not None:
        numbers = numbers - _spread(zero.astype(np.float64), x, axis, block_size)
    return numbers * _spread(scale.astype(np.float64), x, axis, block_size)


def _spread(entries: Array, x: Array, axis: int, block: int) -> Array:
    """Scales or zero points in a shape that broadcasts to that of `x`."""
    if entries.ndim == 0 or (entries.size == 1 and entries.ndim == 1):
        return entries.reshape(())
    if block:
        repeated: Array = np.repeat(entries, block, axis=axis)
        return np.take(repeated, np.arange(x.shape[axis]), axis=axis)
    if entries.ndim > 1:
        return entries
    return entries.reshape([-1, *[1] * (x.ndim - axis % x.ndim - 1)])

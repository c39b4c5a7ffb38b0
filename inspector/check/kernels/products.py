"""Matrix products with weights that are not widened as a whole."""

from __future__ import annotations

import numpy as np

from inspector.check.double import is_narrow, widen
from inspector.check.kernels.call import Array, Call

__all__ = ["gemm", "matmul"]

_BLOCK = 500_000
"""Weights widened at a time: 4 MB of doubles."""


def matmul(_: Call, a: Array, b: Array) -> Array:
    """numpy.matmul in double precision, or in integers; a weight may come as the file has it."""
    if is_narrow(b) and b.ndim == 2:
        return _by_blocks(widen(a), b)
    if is_narrow(a) and a.ndim == b.ndim == 2:
        return _by_blocks(b.T, a.T).T
    result: Array = np.asarray(np.matmul(widen(a), widen(b)))
    return result


def gemm(
    call: Call,
    a: Array,
    b: Array,
    c: Array | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    **transposed: int,
) -> Array:
    """Alpha * A' @ B' + beta * C, where ' transposes if the node says so (`transA`, `transB`)."""
    product = matmul(call, a.T if transposed.get("transA") else a, b.T if transposed.get("transB") else b)
    result: Array = product if alpha == 1 else (product * alpha).astype(product.dtype)
    if c is not None and beta != 0:
        result = (result + widen(c) * beta).astype(product.dtype)
    return result


def _by_blocks(a: Array, b: Array) -> Array:
    """(..., K) by (K, N), the numbers of `b` taken in the order in which they stand in memory."""
    inner, columns = b.shape
    rows = a.reshape(-1, inner)
    result = np.zeros((len(rows), columns))
    if b.flags.c_contiguous:
        step = max(1, _BLOCK // max(1, columns))
        for start in range(0, inner, step):
            kept = slice(start, start + step)
            result += rows[:, kept] @ widen(b[kept])
    else:
        step = max(1, _BLOCK // max(1, inner))
        for start in range(0, columns, step):
            kept = slice(start, start + step)
            result[:, kept] = rows @ widen(b[:, kept])
    return result.reshape(*a.shape[:-1], columns)

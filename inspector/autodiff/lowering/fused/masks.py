"""Masks of attention as numbers to be added to its scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from inspector.autodiff.lowering.scope import Scope
from inspector.autodiff.sizes import Size, count
from inspector.autodiff.tape import Operand

__all__ = ["causal_mask", "filtered", "lowest"]


def filtered(
    scope: Scope, mask: ir.Value, batch: Size, total: Size, like: Operand, filter_value: float
) -> ir.Value | None:
    """`filter_value` where `mask` hides a key, else 0, broadcastable to (batch, heads, queries, keys).

    Its forms: (batch,) lengths; (2 * batch,) ends and starts; (batch, keys), (batch, queries, keys) and, cut out of its
    end, (batch, 1, most, most) of which 0 hides. None for another.
    """
    rank = scope.rank(mask)
    if rank == 1:
        return _of_lengths(scope, mask, batch, total, like, filter_value)
    if rank == 4:
        return None
    axes = {2: [1, 2], 3: [1]}[rank]
    hidden = scope.Equal(mask, 0)
    return _chosen(scope, scope.Unsqueeze(hidden, axes), like, filter_value)


def _of_lengths(
    scope: Scope, mask: ir.Value, batch: Size, total: Size, like: Operand, filter_value: float
) -> ir.Value | None:
    keys = count(scope, total)
    numbers = scope.cast(mask, ir.DataType.INT64)
    length = scope.size(mask, 0)
    if isinstance(length, int) and isinstance(batch, int) and length not in (batch, 2 * batch):
        return None
    ends = scope.Unsqueeze(scope.Slice(numbers, [0], [batch], [0]), [1])
    hidden = scope.GreaterOrEqual(keys, ends)
    if not (isinstance(length, int) and length == batch):
        # starts follow, or (where only a run can tell) the last entries are the ends again
        last = scope.Slice(numbers, [length - batch], [length], [0])
        given = scope.Cast(
            scope.Equal(scope.ints([length]), scope.ints([batch * 2])), to=ir.DataType.INT64.value
        )
        starts = scope.Unsqueeze(scope.Mul(last, given), [1])
        hidden = scope.Or(hidden, scope.Less(keys, starts))
    return _chosen(scope, scope.Unsqueeze(hidden, [1, 2]), like, filter_value)


def causal_mask(scope: Scope, queries: Size, keys: Size, like: Operand) -> ir.Value:
    """The lowest number where a key comes after the query, else 0: (queries, keys). The last query sees all keys."""
    columns = count(scope, keys)
    rows = scope.Add(count(scope, queries), scope.ints([keys - queries]))
    later = scope.Greater(columns, scope.Unsqueeze(rows, [1]))
    return scope.Where(later, scope.constant(lowest(like)), 0)


def lowest(like: Operand) -> NDArray[Any]:
    """A number of the dtype of `like` that no score is below."""
    dtype = _dtype(like)
    return np.array(-65504.0 if dtype == ir.DataType.FLOAT16 else -1e30, dtype=dtype.numpy())


def _chosen(scope: Scope, hidden: ir.Value, like: Operand, number: float) -> ir.Value:
    return scope.Where(hidden, scope.constant(np.array(number, dtype=_dtype(like).numpy())), 0)


def _dtype(like: Operand) -> ir.DataType:
    return (like.dtype if like is not None else None) or ir.DataType.FLOAT

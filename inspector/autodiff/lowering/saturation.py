"""What is left of quantisation without its rounding: numbers beyond the range of the integer type stop at its edge."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from inspector.autodiff.lowering.ranges import Range, range_of
from inspector.autodiff.lowering.scope import Scope, Units

__all__ = ["LIMITS", "stored"]

LIMITS: dict[ir.DataType, tuple[float, float]] = {
    **{ir.DataType[f"INT{bits}"]: (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1) for bits in (4, 8, 16, 32)},
    **{ir.DataType[f"UINT{bits}"]: (0.0, 2.0**bits - 1) for bits in (4, 8, 16, 32)},
    ir.DataType.FLOAT8E4M3FN: (-448.0, 448.0),
    ir.DataType.FLOAT8E4M3FNUZ: (-240.0, 240.0),
    ir.DataType.FLOAT8E5M2: (-57344.0, 57344.0),
    ir.DataType.FLOAT8E5M2FNUZ: (-57344.0, 57344.0),
    ir.DataType.FLOAT4E2M1: (-6.0, 6.0),
}
"""The least and the largest number of each type of quantised tensors."""

_MOVES = frozenset(["Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"])


def stored(scope: Scope, value: ir.Value, units: Units, dtype: ir.DataType | None) -> ir.Value:
    """`value`, real numbers, as an operator that quantises leaves it: not rounded, but saturated.

    Behind an operator the edge of the range may be a ReLU, which is what it stays. Two edges are none:

    - A picture whose brightest pixel lies on the edge of the range is not saturated but rounded, so of an input of the
      model half a step more on either side counts as inside.
    - The range of a model's outputs is that of the pictures it was calibrated with, and a class that is surer than on
      those has a slope all the same: there only zero is an edge.

    Args:
        dtype: the integer type; None: unknown, nothing saturates.
    """
    limits = None if dtype is None else LIMITS.get(dtype)
    if limits is None:
        return scope.as_integers(value, units)
    margin = 0.5 if _comes_in(value) else 0.0
    low, high = limits[0] - margin, limits[1] + margin
    scale = scope.known(units.scale)
    zero = np.zeros(1) if units.zero is None else scope.known(units.zero)
    if scale is None or zero is None or scale.size != 1:
        return scope.as_integers(_between_tensors(scope, value, units, low, high), units)
    least, most = ((limit - float(zero.item())) * float(scale.item()) for limit in (low, high))
    return scope.as_integers(_between_numbers(scope, value, least, most), units)


def _between_numbers(scope: Scope, value: ir.Value, low: float, high: float) -> ir.Value:
    dtype = (value.dtype or ir.DataType.FLOAT).numpy()
    least, most = np.array(low, dtype=dtype), np.array(high, dtype=dtype)
    found = range_of(scope, value)
    below, above = found.low < least, found.high > most
    if scope.reported:
        below, above = below and least == 0, above and most == 0
    result = scope.Clip(value, least if below else None, most if above else None) if below or above else value
    reach = Range(float(least) if below else found.low, float(most) if above else found.high)
    scope.ranges[result] = reach
    return result


def _between_tensors(scope: Scope, value: ir.Value, units: Units, low: float, high: float) -> ir.Value:
    """Limits along an axis, or that only a run knows: Clip takes neither."""
    scale = scope.cast_like(units.scale, value)
    zero = None if units.zero is None else scope.cast_like(units.zero, value)
    least, most = (
        scope.spread_over(scope.Mul(limit if zero is None else scope.Sub(limit, zero), scale), value, units)
        for limit in (low, high)
    )
    return scope.Min(scope.Max(value, least), most)


def _comes_in(value: ir.Value) -> bool:
    """Whether `value` is an input of the model, at most moved or cast."""
    node = value.producer()
    while node is not None and node.op_type in _MOVES and node.inputs[0] is not None:
        value = node.inputs[0]
        node = value.producer()
    return value.is_graph_input()

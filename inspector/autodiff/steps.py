"""Steps: 1 on one side of a bound and 0 on the other, to multiply a cotangent with.

Of a feature map in float32 a step is one steep `HardSigmoid`: onnxruntime computes it in one pass, in the blocked
layout of its convolutions, where a comparison with a `Cast` or a `Where` takes two or three and forces the map out.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from inspector.autodiff.tape import Operand, Tape

__all__ = ["above", "below"]

_STEEPEST = 2.0**126
"""At 0: the smallest normal number, times this, is 1."""

_FEATURE_MAP = 4
"""Axes of the tensors that the blocked layout is for."""


def above(tape: Tape, x: Operand, bound: float) -> ir.Value:
    """1 where x > bound, else 0, of the dtype of `x`. NaN is not above, but of a feature map, where it stays NaN."""
    ramp = _ramp(tape, x, bound, rising=True)
    return tape.cast_like(tape.Greater(x, bound), x) if ramp is None else ramp


def below(tape: Tape, x: Operand, bound: float) -> ir.Value:
    """1 where x < bound, else 0; see `above`."""
    ramp = _ramp(tape, x, bound, rising=False)
    return tape.cast_like(tape.Less(x, bound), x) if ramp is None else ramp


def _ramp(tape: Tape, x: Operand, bound: float, *, rising: bool) -> ir.Value | None:
    """The step as min(max(slope * x + offset, 0), 1), which climbs from one float32 number to the next; None where
    `x` is no feature map in float32, or no such ramp is exact.
    """
    if x is None or x.dtype != ir.DataType.FLOAT or x.shape is None or len(x.shape) != _FEATURE_MAP:
        return None
    at = np.float32(bound)
    if at != bound:
        return None
    if at == 0:
        slope = _STEEPEST
    else:
        # the nearest number on which the step is 1
        neighbour = np.nextafter(at, np.float32(np.inf if rising else -np.inf))
        slope = float(1 / abs(np.float64(neighbour) - np.float64(at)))
    slope = slope if rising else -slope
    offset = -slope * bound
    if not np.isfinite(slope) or abs(slope) > _STEEPEST or float(np.float32(offset)) != offset:
        return None
    return tape.HardSigmoid(x, alpha=slope, beta=offset)

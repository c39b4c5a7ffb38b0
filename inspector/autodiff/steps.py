"""Steps: 1 on one side of a bound and 0 on the other, to multiply a cotangent with.

Of a feature map in float32 a step is one steep `HardSigmoid`: onnxruntime computes it in one pass, in the blocked
layout of its convolutions, where a comparison with a `Cast` or a `Where` takes two or three and forces the map out.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from inspector.autodiff.tape import Operand, Tape

__all__ = ["above", "below", "between"]

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


def between(tape: Tape, x: Operand, low: float | None, high: float | None) -> ir.Value | None:
    """1 where low <= x <= high, else 0, of a feature map in float32; None of other tensors, and where no ramp is exact.

    At low = 0 it climbs from the largest negative normal number on: a runtime may take smaller ones for 0.
    """
    steps: list[ir.Value | None] = []
    if low == 0 and _is_map(x):
        steps.append(tape.HardSigmoid(x, alpha=_STEEPEST, beta=1.0))
    elif low is not None:
        steps.append(_ramp(tape, x, _next(low, -np.inf), rising=True))
    if high is not None:
        steps.append(_ramp(tape, x, _next(high, np.inf), rising=False))
    exact = [step for step in steps if step is not None]
    if not exact or len(exact) < len(steps):
        return None
    return exact[0] if len(exact) == 1 else tape.Mul(*exact)


def _next(number: float, towards: float) -> float:
    # (the next to the largest is infinite, and no ramp's)
    with np.errstate(all="ignore"):
        return float(np.nextafter(np.float32(number), np.float32(towards)))


def _is_map(x: Operand) -> bool:
    return (
        x is not None
        and x.dtype == ir.DataType.FLOAT
        and x.shape is not None
        and len(x.shape) == _FEATURE_MAP
    )


def _ramp(tape: Tape, x: Operand, bound: float, *, rising: bool) -> ir.Value | None:
    """The step as min(max(slope * x + offset, 0), 1), which climbs from one float32 number to the next; None where
    `x` is no feature map in float32, or no such ramp is exact.
    """
    if not _is_map(x):
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

"""Channels first and channels last."""

from __future__ import annotations

import onnx_ir as ir

from inspector.autodiff.tape import Operand, Tape

__all__ = ["channels_first", "channels_last"]


def channels_first(tape: Tape, x: Operand) -> ir.Value:
    """(N, spatial..., C) -> (N, C, spatial...)."""
    rank = tape.rank(x)
    return tape.Transpose(x, perm=[0, rank - 1, *range(1, rank - 1)])


def channels_last(tape: Tape, x: Operand) -> ir.Value:
    """(N, C, spatial...) -> (N, spatial..., C)."""
    return tape.Transpose(x, perm=[0, *range(2, tape.rank(x)), 1])

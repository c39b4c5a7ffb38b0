"""The pullback of max pooling by comparison: a cotangent goes to the first element that equals its window's maximum.

onnxruntime's MaxPool with indices branches on every element and takes ten times what one without them does. Pooling is
taken along the rows and then down the columns, so that the first winner is the first in the order of rows, as it is
for the operator itself. Channels stand last meanwhile: what is moved are whole runs of memory.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from inspector.autodiff.sizes import Size
from inspector.autodiff.tape import Operand, Tape
from inspector.autodiff.windows import Windows

__all__ = ["comparable", "to_first_maximum"]

_ROWS, _COLUMNS, _RANK = 1, 2, 4
_LAST, _FIRST = [0, 2, 3, 1], [0, 3, 1, 2]


@dataclass(frozen=True)
class _Line:
    """Windows along one axis: `count` of `kernel` elements, `stride` apart, the first from `begin` before the axis."""

    axis: int
    size: int
    count: int
    kernel: int
    stride: int
    begin: int

    @property
    def blocks(self) -> int:
        """How many runs of `stride` elements the axis, filled up, is made of."""
        return -(-self.size // self.stride)

    def place(self, tap: int) -> tuple[int, int]:
        """Where a tap of the first window lies: which run, and where in it."""
        return divmod(tap - self.begin, self.stride)


def comparable(windows: Windows, x: ir.Value) -> bool:
    """Whether `to_first_maximum` can be used: on images in float32 of a known size, without holes in the windows."""
    known = [*windows.size, *windows.count, *windows.kernel, *windows.begin]
    return (
        len(windows.size) == 2
        and all(isinstance(each, int) for each in known)
        and set(windows.dilations) == {1}
        and all(k >= s for k, s in zip(windows.kernel, windows.strides, strict=True) if isinstance(k, int))
        and x.dtype in (ir.DataType.FLOAT, ir.DataType.DOUBLE)
        and x.shape is not None
        and isinstance(x.shape[1], int)
    )


def to_first_maximum(tape: Tape, g: ir.Value, x: ir.Value, y: ir.Value, windows: Windows) -> ir.Value:
    """The cotangent of `x` (N, C, H, W), whose maxima over `windows` are `y`, given that of `y`."""
    rows, columns = (_line(windows, axis) for axis in (_ROWS, _COLUMNS))
    # (0 is a length that stays as it is)
    whole = [0, rows.size, columns.size, tape.size(x, 1)]
    half = [0, rows.size, columns.count, tape.size(x, 1)]
    across = _taps(tape, tape.Transpose(x, perm=_LAST), columns, whole)
    # (two at a time: of three, onnxruntime takes twice as long)
    highest = functools.reduce(tape.Max, across)
    down = _taps(tape, highest, rows, half)
    shares = _shares(tape, tape.Transpose(g, perm=_LAST), down, tape.Transpose(y, perm=_LAST))
    g_highest = _joined(tape, shares, rows, half)
    gx = _joined(tape, _shares(tape, g_highest, across, highest), columns, whole)
    return tape.Transpose(gx, perm=_FIRST)


def _line(windows: Windows, axis: int) -> _Line:
    entries = (windows.size, windows.count, windows.kernel, windows.strides, windows.begin)
    known = [number for each in entries if isinstance(number := each[axis - 1], int)]
    return _Line(axis, *known)


def _taps(tape: Tape, x: ir.Value, line: _Line, shape: Sequence[Size]) -> list[ir.Value]:
    """What lies under each tap of the windows, in the order of the taps; minus infinity beyond the edge."""
    lowest = np.array(-np.inf, dtype=np.float32 if x.dtype is None else x.dtype.numpy())
    missing = line.blocks * line.stride - line.size
    if missing:
        x = tape.Pad(x, _widths(line.axis, 0, missing), lowest)
    phases = [x]
    if line.stride > 1:
        apart = tape.Reshape(x, [*shape[: line.axis], line.blocks, line.stride, *shape[line.axis + 1 :]])
        phases = [
            tape.Squeeze(phase, [line.axis + 1])
            for phase in tape.op(
                "Split", apart, outputs=line.stride, axis=line.axis + 1, num_outputs=line.stride
            )
        ]
    taps = []
    for tap in range(line.kernel):
        run, phase = line.place(tap)
        before, behind = -run, line.count + run - line.blocks
        widths = _widths(line.axis, before, behind)
        taps.append(tape.Pad(phases[phase], widths, lowest) if before or behind else phases[phase])
    return taps


def _shares(tape: Tape, g: ir.Value, taps: Sequence[ir.Value], highest: Operand) -> list[ir.Value]:
    """What each tap gets of `g`: all, where it is the first that is `highest`."""
    shares: list[ir.Value] = []
    for tap in taps[:-1]:
        shares.append(tape.Mul(g, tape.cast_like(tape.Equal(tap, highest), g)))
        g = tape.Sub(g, shares[-1])
    return [*shares, g]


def _joined(tape: Tape, shares: Sequence[ir.Value], line: _Line, shape: Sequence[Size]) -> ir.Value:
    """The transpose of `_taps`: each share added where its tap was taken from."""
    phases = []
    for phase in range(line.stride):
        parts = []
        for tap, share in enumerate(shares):
            run, at = line.place(tap)
            if at == phase:
                before, behind = run, line.blocks - line.count - run
                widths = _widths(line.axis, before, behind)
                parts.append(tape.Pad(share, widths) if before or behind else share)
        phases.append(functools.reduce(tape.Add, parts))
    if line.stride == 1:
        return phases[0]
    apart = tape.Concat(*(tape.Unsqueeze(phase, [line.axis + 1]) for phase in phases), axis=line.axis + 1)
    whole = [*shape[: line.axis], line.blocks * line.stride, *shape[line.axis + 1 :]]
    joined = tape.Reshape(apart, whole)
    return (
        tape.Slice(joined, [0], [line.size], [line.axis]) if line.blocks * line.stride > line.size else joined
    )


def _widths(axis: int, before: int, behind: int) -> list[int]:
    widths = [0] * 2 * _RANK
    widths[axis], widths[_RANK + axis] = before, behind
    return widths

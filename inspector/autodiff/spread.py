"""The transpose of a convolution, in the form that the runtime computes fastest.

At stride 1 it is a convolution with flipped kernels. At larger strides it is one too, of elements with zeros between
them, or one for each position within a stride, interleaved; onnxruntime's `ConvTranspose` is neither laid out in blocks
nor quick with many groups, and adds up on one thread. Which is best depends on the shape:

- one kernel for each channel: zeros between, since they cost so little there;
- kernels of one element: that product first, zeros between its results;
- many channels: a convolution for each position;
- `ConvTranspose` else (the first layer of a network, with its few channels), and wherever a size is only known to a
  run.

Interleaving is done with the channels last, where it moves whole runs of memory.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from inspector.autodiff.sizes import Size
from inspector.autodiff.tape import Operand, Tape
from inspector.autodiff.windows import Windows

__all__ = ["spread"]

_LAST, _FIRST = [0, 2, 3, 1], [0, 3, 1, 2]
_BLOCK = 16


def spread(tape: Tape, small: Operand, w: Operand, windows: Windows) -> ir.Value:
    """The transpose of `correlate`: each element adds its kernel to what lies under its window."""
    flipped_pads = _flipped_pads(windows)
    if flipped_pads is not None:
        kernel = _flipped(tape, w, windows)
        return tape.Conv(small, kernel, pads=flipped_pads, dilations=windows.dilations, group=windows.group)
    found = _strided(tape, small, w, windows)
    if found is not None:
        return found
    shape = {"strides": windows.strides, "dilations": windows.dilations, "group": windows.group}
    pads = windows.pads
    if pads is not None:
        left_out = [max(-end, 0) for end in windows.end if isinstance(end, int)]
        return tape.ConvTranspose(small, w, pads=pads, output_padding=left_out, **shape)
    # more than fits, then cut to size
    room = [stride - 1 for stride in windows.strides]
    full = tape.ConvTranspose(small, w, output_padding=room, **shape)
    last = [begin + size for begin, size in zip(windows.begin, windows.size, strict=True)]
    return tape.Slice(full, windows.begin, last, windows.axes)


def _strided(tape: Tape, small: Operand, w: Operand, windows: Windows) -> ir.Value | None:
    """`spread` of images at a stride, without `ConvTranspose`; None where that is better, or sizes are not known."""
    array = tape.known(w)
    sizes = [*windows.size, *windows.count, *windows.begin, *windows.end]
    plain = len(windows.strides) == 2 and len(set(windows.strides)) == 1 and set(windows.dilations) == {1}
    if (
        array is None
        or not plain
        or array.dtype != np.float32
        or not all(isinstance(size, int) for size in sizes)
    ):
        return None
    out, into, *kernel = array.shape
    stride, groups = windows.strides[0], windows.group
    if groups > 1:
        return _inserted_first(tape, small, w, windows) if into == 1 and out == groups else None
    if set(kernel) == {1} and out % _BLOCK == 0 and into % _BLOCK == 0 and not any(windows.begin):
        exchanged = tape.constant(np.ascontiguousarray(array.swapaxes(0, 1)))
        return _with_zeros(tape, tape.Conv(small, exchanged), windows, into)
    if into % _BLOCK == 0 and out % _BLOCK == 0 and min(kernel) >= stride:
        return _position_by_position(tape, small, array, windows)
    return None


def _known(sizes: Sequence[Size]) -> list[int]:
    """The sizes, all of which are numbers."""
    return [size for size in sizes if isinstance(size, int)]


def _inserted_first(tape: Tape, small: Operand, w: Operand, windows: Windows) -> ir.Value | None:
    """Zeros between the elements, then the flipped kernels over all."""
    size, reach, count, begin = map(_known, (windows.size, windows.reach, windows.count, windows.begin))
    before = [r - b for r, b in zip(reach, begin, strict=True)]
    after = [
        n + r - c * stride - front
        for n, r, c, stride, front in zip(size, reach, count, windows.strides, before, strict=True)
    ]
    if min(*before, *after) < 0:
        return None
    apart = _with_zeros(tape, small, windows, windows.group, whole=True)
    return tape.Conv(apart, _flipped(tape, w, windows), pads=[*before, *after], group=windows.group)


def _with_zeros(
    tape: Tape, small: Operand, windows: Windows, channels: int, *, whole: bool = False
) -> ir.Value:
    """`small` (N, channels, h, w) with stride - 1 zeros behind each element, cut or filled up to the windows' size;
    `whole`: as it is.
    """
    (h, w), stride = windows.count, windows.strides[0]
    runs = tape.Reshape(tape.Transpose(small, perm=_LAST), [0, h, 1, w, channels])
    filled = tape.Pad(runs, [0] * 7 + [stride - 1, 0, channels * (stride - 1)])
    inserted = tape.Reshape(filled, [0, h * stride, w * stride, channels])
    rest = [size - count * stride for size, count in zip(windows.size, windows.count, strict=True)]
    if not whole and any(rest):
        inserted = tape.Pad(inserted, [0, 0, 0, 0, 0, *rest, 0])
    return tape.Transpose(inserted, perm=_FIRST)


def _positions(array: np.ndarray, windows: Windows) -> tuple[np.ndarray, list[int], list[int]]:
    """The kernels by position within a stride, (row, column, into, out, taps, taps), flipped; the padding with which
    they are convolved, and how much of the result lies before the first element.
    """
    out, into, *kernel = array.shape
    stride = windows.strides[0]
    taps = [-(-k // stride) for k in kernel]
    full = np.zeros((out, into, *(each * stride for each in taps)), dtype=array.dtype)
    full[:, :, : kernel[0], : kernel[1]] = array
    apart = full.reshape(out, into, taps[0], stride, taps[1], stride)[:, :, ::-1, :, ::-1, :]
    begin, size, count = map(_known, (windows.begin, windows.size, windows.count))
    skipped = [each // stride for each in begin]
    before = [each - 1 - left for each, left in zip(taps, skipped, strict=True)]
    after = [-(-(n + p) // stride) - c for n, p, c in zip(size, begin, count, strict=True)]
    return apart.transpose(3, 5, 1, 0, 2, 4), [*before, *after], [p % stride for p in begin]


def _position_by_position(tape: Tape, small: Operand, array: np.ndarray, windows: Windows) -> ir.Value | None:
    """A convolution for each position, with the taps that reach it; interleaved columns, then rows."""
    kernels, pads, first = _positions(array, windows)
    if min(pads) < 0:
        return None
    into, stride = array.shape[1], windows.strides[0]
    h, w = (
        count + pads[axis] + pads[2 + axis] - kernels.shape[4 + axis] + 1
        for axis, count in enumerate(_known(windows.count))
    )
    rows = []
    for row in range(stride):
        columns = []
        for column in range(stride):
            # taps beyond the kernel are zeros in front
            missing = [
                taps - -(-(kernel - place) // stride)
                for taps, kernel, place in zip(kernels.shape[4:], array.shape[2:], (row, column), strict=True)
            ]
            top, left = (min(pad, gap) for pad, gap in zip(pads, missing, strict=False))
            own = np.ascontiguousarray(kernels[row, column, :, :, top:, left:])
            conv = tape.Conv(
                small, tape.constant(own), pads=[pads[0] - top, pads[1] - left, pads[2], pads[3]]
            )
            columns.append(tape.Transpose(conv, perm=_LAST))
        rows.append(tape.Reshape(tape.Concat(*columns, axis=3), [0, h, 1, w * stride, into]))
    whole = tape.Reshape(tape.Concat(*rows, axis=2), [0, h * stride, w * stride, into])
    return tape.Transpose(_cut(tape, whole, first, windows, [1, 2]), perm=_FIRST)


def _cut(tape: Tape, x: ir.Value, first: list[int], windows: Windows, axes: list[int]) -> ir.Value:
    """The windows' size of `x` from `first` on."""
    last = [start + size for start, size in zip(first, windows.size, strict=True)]
    return tape.Slice(x, first, last, axes)


def _flipped_pads(windows: Windows) -> list[int] | None:
    """The padding with which `spread` is itself a convolution: at stride 1, unless more is padded than reached."""
    pads = [
        reach - pad
        for side in (windows.begin, windows.end)
        for reach, pad in zip(windows.reach, side, strict=True)
    ]
    known = [pad for pad in pads if isinstance(pad, int) and pad >= 0]
    return known if len(known) == len(pads) and set(windows.strides) == {1} else None


def _flipped(tape: Tape, w: Operand, windows: Windows) -> ir.Value:
    """The kernels reversed in space, their inputs and outputs exchanged within each group."""
    spatial = len(windows.strides)
    array = tape.known(w)
    if array is not None:
        out, into, *kernel = array.shape
        groups = array.reshape(windows.group, out // windows.group, into, *kernel).swapaxes(1, 2)
        reverse = (slice(None), slice(None), *[slice(None, None, -1)] * spatial)
        exchanged = groups.reshape(windows.group * into, out // windows.group, *kernel)
        return tape.constant(np.ascontiguousarray(exchanged[reverse]))
    if windows.group == 1:
        exchanged_value = tape.Transpose(w, perm=[1, 0, *windows.axes])
    else:
        out_size, into_size = tape.size(w, 0), tape.size(w, 1)
        apart = [windows.group, out_size // windows.group, into_size, *windows.kernel]
        swapped = tape.Transpose(tape.Reshape(w, apart), perm=[0, 2, 1, *(axis + 1 for axis in windows.axes)])
        exchanged_value = tape.Reshape(
            swapped, [into_size * windows.group, out_size // windows.group, *windows.kernel]
        )
    backwards = [-1] * spatial
    return tape.Slice(exchanged_value, backwards, [-(2**31)] * spatial, windows.axes, backwards)

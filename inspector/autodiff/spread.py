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


def _position_by_position(tape: Tape, small: Operand, array: np.ndarray, windows: Windows) -> ir.Value | None:
    """A convolution for each position within a stride, with the taps that reach it; interleaved columns, then rows."""
    into, stride = array.shape[1], windows.strides[0]
    size = _known(windows.size)
    h, w = (-(-each // stride) for each in size)
    apart = [[_at(array, windows, (row, column)) for column in range(stride)] for row in range(stride)]
    if min(pad for row in apart for _, pads in row for pad in pads) < 0:
        return None
    rows = []
    for row in apart:
        convs = (tape.Conv(small, tape.constant(kernel), pads=pads) for kernel, pads in row)
        columns = tape.Concat(*(tape.Transpose(conv, perm=_LAST) for conv in convs), axis=3)
        rows.append(tape.Reshape(columns, [0, h, 1, w * stride, into]))
    whole = tape.Reshape(tape.Concat(*rows, axis=2), [0, h * stride, w * stride, into])
    if size != [h * stride, w * stride]:
        whole = tape.Slice(whole, [0, 0], size, [1, 2])
    return tape.Transpose(whole, perm=_FIRST)


def _at(array: np.ndarray, windows: Windows, place: tuple[int, int]) -> tuple[np.ndarray, list[int]]:
    """What the elements at one `place` within each stride get, as a convolution: its kernel and padding.

    Element place + stride * j gets tap first + stride * u of window j + ahead - u.
    """
    stride = windows.strides[0]
    own = array.swapaxes(0, 1)
    before, after = [], []
    for axis, (size, count, begin) in enumerate(
        zip(*map(_known, (windows.size, windows.count, windows.begin)), strict=True)
    ):
        ahead, first = divmod(place[axis] + begin, stride)
        own = own[(slice(None),) * (2 + axis) + (slice(first, None, stride),)]
        last = own.shape[2 + axis] - 1
        before.append(last - ahead)
        after.append(-(-size // stride) + ahead - count)
    return np.ascontiguousarray(own[:, :, ::-1, ::-1]), [*before, *after]


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

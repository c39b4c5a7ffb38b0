"""Sliding windows: the geometry that convolution and pooling share, and the linear maps it defines.

A window of `kernel` taps, `dilation` apart, steps by `stride` over a padded axis. `correlate` sums what lies
under each window (a convolution without bias), `kernel_gradient` is its derivative with respect to the kernel
(Dumoulin & Visin, A guide to convolution arithmetic, ch. 4). Its transpose is in `spread.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx_ir as ir

from inspector.autodiff.sizes import Size, maximum
from inspector.autodiff.tape import Operand, Tape

__all__ = ["Windows", "correlate", "kernel_gradient", "windows_over"]


@dataclass(frozen=True)
class Windows:
    """One entry per spatial axis.

    `begin` and `end` are paddings such that the windows cover the padded axis exactly:
    begin + size + end = (windows - 1) * stride + (kernel - 1) * dilation + 1. `end` is negative where
    the last elements lie under no window.
    """

    size: list[Size]
    count: list[Size]
    kernel: list[Size]
    strides: list[int]
    dilations: list[int]
    begin: list[Size]
    end: list[Size]
    group: int = 1

    @property
    def reach(self) -> list[Size]:
        """How far the last tap lies behind the first."""
        return [(kernel - 1) * dilation for kernel, dilation in zip(self.kernel, self.dilations, strict=True)]

    @property
    def axes(self) -> list[int]:
        return [2 + axis for axis in range(len(self.strides))]

    @property
    def pads(self) -> list[int] | None:
        """The padding as an attribute, cropping left out; None where only a run can tell."""
        pads = [*self.begin, *self.end]
        return [max(pad, 0) for pad in pads if isinstance(pad, int)] if all_known(pads) else None

    def leave_less_than(self, limits: Sequence[int]) -> bool:
        """Whether fewer elements than these are known to lie under no window at the end."""
        pairs = zip(self.end, limits, strict=True)
        return all(isinstance(end, int) and -end < limit for end, limit in pairs)


def all_known(sizes: Sequence[Size]) -> bool:
    return all(isinstance(size, int) for size in sizes)


def windows_over(tape: Tape, node: ir.Node, big: Operand, small: Operand, kernel: Sequence[Size]) -> Windows:
    """The windows of `node`, a convolution or a pooling, over `big`; `small` has one element per window."""
    rank = len(kernel)
    strides = list(node.attributes.get_ints("strides") or [1] * rank)
    dilations = list(node.attributes.get_ints("dilations") or [1] * rank)
    pads = list(node.attributes.get_ints("pads") or [0] * 2 * rank)
    surplus = list(node.attributes.get_ints("output_padding") or [0] * rank)
    auto_pad = node.attributes.get_string("auto_pad", "NOTSET")
    transposed = node.op_type == "ConvTranspose"
    fixed = auto_pad in ("NOTSET", "VALID") and "output_shape" not in node.attributes
    size = [tape.size(big, 2 + axis) for axis in range(rank)]
    count = [tape.size(small, 2 + axis) for axis in range(rank)]
    begin: list[Size] = []
    end: list[Size] = []
    for axis, stride in enumerate(strides):
        covered = (count[axis] - 1) * stride + (kernel[axis] - 1) * dilations[axis] + 1
        if fixed:
            before, after = (0, 0) if auto_pad == "VALID" else (pads[axis], pads[rank + axis])
            begin.append(before)
            if transposed:
                end.append(after - surplus[axis])
            else:
                end.append(after if stride == 1 else covered - size[axis] - before)
        else:
            total = maximum(covered + surplus[axis] - size[axis], 0)
            begin.append(total // 2 if auto_pad == "SAME_UPPER" else total - total // 2)
            end.append(covered - size[axis] - begin[axis])
    group = node.attributes.get_int("group", 1)
    return Windows(size, count, list(kernel), strides, dilations, begin, end, group)


def correlate(tape: Tape, big: Operand, w: Operand, windows: Windows) -> ir.Value:
    """The sum under each window, weighted by the kernels `w` (out, in / group, *kernel)."""
    shape = {"strides": windows.strides, "dilations": windows.dilations, "group": windows.group}
    pads = windows.pads
    if pads is None:
        summed = tape.Conv(_padded(tape, big, windows), w, **shape)
    else:
        summed = tape.Conv(big, w, pads=pads, **shape)
        if windows.leave_less_than(windows.strides):
            return summed
    # where much lies under no window, the convolution finds room for more windows than there are
    return _first(tape, summed, windows.count, windows)


def kernel_gradient(tape: Tape, big: Operand, small: Operand, windows: Windows) -> ir.Value:
    """The derivative of <small, correlate(big, w)> with respect to w.

    Itself a convolution, of `big` with `small` as its kernel, in which batch and channels change places, and
    so do stride and dilation. Groups: each reads its own channels, for every image of the batch.
    """
    n, channels = tape.size(big, 0), tape.size(big, 1)
    if windows.pads is None:
        big = _padded(tape, big, windows)
    image = tape.Transpose(big, perm=[1, 0, *windows.axes])
    if windows.group > 1:
        sizes = windows.size if windows.pads else [tape.size(image, axis) for axis in windows.axes]
        apart = tape.Reshape(image, [windows.group, channels // windows.group, n, *sizes])
        swapped = tape.Transpose(apart, perm=[1, 0, 2, *(axis + 1 for axis in windows.axes)])
        image = tape.Reshape(swapped, [channels // windows.group, n * windows.group, *sizes])
    summed = tape.Conv(
        image,
        tape.Transpose(small, perm=[1, 0, *windows.axes]),
        pads=windows.pads,
        strides=windows.dilations,
        dilations=windows.strides,
        group=windows.group,
    )
    gw = tape.Transpose(summed, perm=[1, 0, *windows.axes])
    return gw if windows.leave_less_than(windows.dilations) else _first(tape, gw, windows.kernel, windows)


def _padded(tape: Tape, big: Operand, windows: Windows) -> ir.Value:
    """`big` with its padding in place, where only a run can tell how much that is."""
    end = [maximum(end, 0) for end in windows.end]
    # (widths of all axes: onnxruntime moves transpositions through a Pad as if it had no others)
    return tape.Pad(big, [0, 0, *windows.begin, 0, 0, *end])


def _first(tape: Tape, x: Operand, count: Sequence[Size], windows: Windows) -> ir.Value:
    """The first `count` elements of each spatial axis."""
    return tape.Slice(x, [0] * len(count), count, windows.axes)

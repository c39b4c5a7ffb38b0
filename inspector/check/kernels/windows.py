"""The sliding window shared by convolutions and pools."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from inspector.check.kernels.call import Array

__all__ = ["Window", "window"]


@dataclass(frozen=True)
class Window:
    """A window over the spatial axes, with the padding made explicit.

    `before` and `after` are the padding of the file; `overhang` is what `ceil_mode` adds behind it.
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    overhang: tuple[int, ...]

    @property
    def extent(self) -> tuple[int, ...]:
        """Pixels that the dilated kernel spans."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilations, strict=True))

    def pad(self, x: Array, value: float) -> Array:
        """(N, C, *spatial) -> the same with padding and overhang."""
        widths = [(0, 0), (0, 0)]
        widths += [(b, a + o) for b, a, o in zip(self.before, self.after, self.overhang, strict=True)]
        return np.pad(x, widths, constant_values=value) if any(map(any, widths)) else x

    def taps(self, padded: Array) -> Iterator[Array]:
        """(N, C, *padded) -> one view (N, C, *output) per element of the kernel, in row-major order."""
        sizes = padded.shape[2:]
        starts = [
            range(0, size - span + 1, step)
            for size, span, step in zip(sizes, self.extent, self.strides, strict=True)
        ]
        for tap in product(*map(range, self.kernel)):
            place: list[Any] = [slice(None), slice(None)]
            for steps, t, dilation in zip(starts, tap, self.dilations, strict=True):
                place.append(slice(t * dilation, t * dilation + len(steps) * steps.step, steps.step))
            yield padded[tuple(place)]

    def view(self, padded: Array) -> Array:
        """(N, C, *padded) -> a view (N, C, *output, *kernel), without a copy."""
        rank = len(self.kernel)
        axes = tuple(range(2, 2 + rank))
        every = sliding_window_view(padded, self.extent, axis=axes)
        pick = [slice(None), slice(None)]
        pick += [slice(None, None, step) for step in self.strides]
        pick += [slice(None, None, step) for step in self.dilations]
        return every[tuple(pick)]


def window(
    spatial: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int] | None,
    dilations: Sequence[int] | None,
    pads: Sequence[int] | None,
    auto_pad: str | None,
    ceil_mode: int | None = 0,
) -> Window:
    """Read the attributes that Conv and the pools share, as their operator pages define them."""
    rank = len(kernel)
    steps = tuple(strides) if strides else (1,) * rank
    spread = tuple(dilations) if dilations else (1,) * rank
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, spread, strict=True)]
    before, after = [0] * rank, [0] * rank
    if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        for i, (size, step, span) in enumerate(zip(spatial, steps, extent, strict=True)):
            total = max(0, (-(-size // step) - 1) * step + span - size)
            small, large = total // 2, total - total // 2
            before[i], after[i] = (small, large) if auto_pad == "SAME_UPPER" else (large, small)
    elif auto_pad != "VALID" and pads:
        before, after = list(pads[:rank]), list(pads[rank:])
    overhang = [0] * rank
    if ceil_mode and auto_pad in (None, "", "NOTSET"):
        for i, (size, step, span) in enumerate(zip(spatial, steps, extent, strict=True)):
            room = size + before[i] + after[i] - span
            count = -(-room // step) + 1
            # a window that would start in the padding behind the data is left out
            if (count - 1) * step >= size + before[i]:
                count -= 1
            overhang[i] = max(0, (count - 1) * step - room)
    return Window(tuple(kernel), steps, spread, tuple(before), tuple(after), tuple(overhang))

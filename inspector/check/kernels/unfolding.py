"""Col2Im and MaxUnpool: elements added or put to the places that windows took them from."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from inspector.check.kernels.call import Array, Call
from inspector.check.kernels.windows import window

__all__ = ["col2im", "max_unpool"]


def col2im(
    _: Call,
    columns: Array,
    image_shape: Array,
    block_shape: Array,
    *,
    dilations: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Array:
    """(N, C * taps, windows) -> (N, C, *image): each element is added where its window has its tap."""
    kernel = [int(size) for size in block_shape]
    size = [int(each) for each in image_shape]
    geometry = window(size, kernel, strides, dilations, pads, None)
    images, channels = columns.shape[0], columns.shape[1] // prod(kernel)
    buffer = geometry.pad(np.zeros((images, channels, *size), dtype=columns.dtype), 0)
    split = columns.reshape(images, channels, prod(kernel), -1)
    for tap, under in enumerate(geometry.taps(buffer)):
        under += split[:, :, tap].reshape(under.shape)
    inner = tuple(slice(b, b + n) for b, n in zip(geometry.before, size, strict=True))
    result: Array = buffer[(slice(None), slice(None), *inner)]
    return result


def max_unpool(
    _: Call,
    x: Array,
    indices: Array,
    output_shape: Array | None = None,
    *,
    kernel_shape: Sequence[int],
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Array:
    """(N, C, *in) -> zeros (N, C, *out) with the elements at `indices`, which count through the flattened result."""
    rank = len(kernel_shape)
    steps, border = list(strides or [1] * rank), list(pads or [0] * 2 * rank)
    inferred = [
        (x.shape[2 + i] - 1) * steps[i] - border[i] - border[rank + i] + kernel_shape[i] for i in range(rank)
    ]
    shape = [*x.shape[:2], *inferred] if output_shape is None else [int(n) for n in output_shape]
    result = np.zeros(prod(shape), dtype=x.dtype)
    result[indices.ravel()] = x.ravel()
    return result.reshape(shape)

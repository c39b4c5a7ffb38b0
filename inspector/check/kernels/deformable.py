"""DeformConv: a convolution whose taps are moved by offsets."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from inspector.check.kernels.call import Array, Call
from inspector.check.kernels.sampling import neighbours, read

__all__ = ["deform_conv"]


def deform_conv(
    _: Call,
    x: Array,
    w: Array,
    offset: Array,
    b: Array | None = None,
    mask: Array | None = None,
    *,
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    offset_group: int = 1,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Array:
    """(N, C, *in), kernels (M, C/group, *kernel) and offsets (N, offset groups * taps * rank, *out) -> (N, M, *out)."""
    kernel, out = w.shape[2:], offset.shape[2:]
    rank, taps = len(kernel), prod(w.shape[2:])
    images, channels = x.shape[:2]
    steps = np.reshape(strides or (1,) * rank, (rank, 1, 1))
    apart = np.reshape(dilations or (1,) * rank, (rank, 1, 1))
    before = np.reshape((pads or (0,) * rank)[:rank], (rank, 1, 1))
    grid = (
        np.indices(out).reshape(rank, 1, -1) * steps
        + np.indices(kernel).reshape(rank, -1, 1) * apart
        - before
    )
    # (N, offset groups, rank, taps, places)
    moved = grid + offset.reshape(images, offset_group, taps, rank, -1).swapaxes(2, 3)
    shares = None if mask is None else mask.reshape(images, offset_group, 1, taps, -1)
    groups = x.reshape(images, offset_group, channels // offset_group, *x.shape[2:])
    weights = w.reshape(group, w.shape[0] // group, -1)
    result = np.empty((images, w.shape[0], prod(out)), dtype=x.dtype)
    for n in range(images):
        read_out = []
        for number in range(offset_group):
            along = [
                neighbours(place.ravel(), size, "linear", "zeros", aligned=True)
                for place, size in zip(moved[n, number], x.shape[2:], strict=True)
            ]
            columns = read(groups[n, number], along).reshape(-1, taps, prod(out))
            read_out.append(columns if shares is None else columns * shares[n, number])
        unfolded = np.concatenate(read_out).reshape(group, -1, prod(out))
        result[n] = (weights @ unfolded).reshape(w.shape[0], -1)
    total = result if b is None else result + b[:, None]
    return total.reshape(images, -1, *out)

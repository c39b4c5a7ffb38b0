"""Operators that read an image at places which are themselves tensors."""

from __future__ import annotations

import onnx_ir as ir

from inspector.autodiff.sampling import (
    number,
    place_gradients,
    polynomial_taps,
    read_places,
    spread_places,
    together,
)
from inspector.autodiff.sizes import Size, count, product
from inspector.autodiff.tape import Operand, Pullback, Tape, Values


def grid_sample(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """To the neighbours of each place, and to the places themselves, which nearest neighbours are constant in."""
    (g,), (x, grid) = cotangents, node.inputs
    rank = tape.rank(x) - 2
    mode = node.attributes.get_string("mode", "linear").removeprefix("bi")
    padding = node.attributes.get_string("padding_mode", "zeros")
    aligned = bool(node.attributes.get_int("align_corners", 0))
    sizes = tape.sizes(x)
    places = tape.Reshape(tape.widened(grid), [0, -1, rank])
    # the grid names the axes of the image backwards
    columns = list(reversed(tape.op("Split", places, axis=2, num_outputs=rank, outputs=rank)))
    taps = []
    for column, size in zip(columns, sizes[2:], strict=True):
        ends = number(tape, size - 1, column)
        extent = ends if aligned else number(tape, size, column)
        place = tape.Mul(tape.Add(tape.Mul(column, extent), ends), 0.5)
        taps.append(polynomial_taps(tape, place, size, mode, padding, aligned=aligned))
    near = together(tape, taps, sizes[2:], sizes[0])
    rows = tape.Transpose(tape.Reshape(tape.widened(g), [0, 0, -1]), perm=[0, 2, 1])
    gx = tape.reshape_like(spread_places(tape, rows, near, sizes), x) if tape.wants(x) else None
    if not (near.slopes and tape.wants(grid)):
        return [gx, None]
    pulled = [
        tape.Mul(tape.Mul(each, number(tape, size - 1 if aligned else size, each)), 0.5)
        for each, size in zip(place_gradients(tape, rows, x, near, sizes), sizes[2:], strict=True)
    ]
    return [gx, tape.reshape_like(tape.Concat(*reversed(pulled), axis=2), grid)]


def affine_grid(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Jaderberg et al., Spatial transformer networks (2015), eq. 1: each place is a matrix times its coordinates and 1.

    The operator shows the coordinates when it is given the unit matrix.
    """
    (g,), (theta, size) = cotangents, node.inputs
    rank = tape.size(theta, 1)
    wide = tape.widened(g)
    unit = tape.EyeLike(tape.zeros(tape.ints([rank, rank + 1]), wide))
    one = tape.Concat([1], tape.Slice(size, [1], [2**31 - 1], [0]), axis=0)
    grid = tape.AffineGrid(
        tape.Unsqueeze(unit, [0]), one, align_corners=node.attributes.get_int("align_corners", 0)
    )
    coordinates = tape.Reshape(grid, [-1, rank])
    ones = tape.Add(tape.Mul(tape.Slice(coordinates, [0], [1], [1]), 0), 1)
    rows = tape.Reshape(wide, [tape.size(theta, 0), -1, rank])
    columns = tape.Transpose(rows, perm=[0, 2, 1])
    return [tape.MatMul(columns, tape.Concat(coordinates, ones, axis=1)), None]


def deform_conv(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Dai et al., Deformable convolutional networks (2017), and v2 (Zhu et al., 2019), with its mask.

    A convolution, as a matrix product, of what is read at the places of the taps: to image and kernels through that
    product, to the offsets through what is read, to the mask through both.
    """
    (g,), (x, w, offset, b, mask) = cotangents, [*node.inputs, None, None][:5]
    n, channels, *spatial = tape.sizes(x)
    out_channels = tape.size(w, 0)
    rank = len(spatial)
    kernel: list[Size] = list(node.attributes.get_ints("kernel_shape") or tape.sizes(w)[2:])
    group, parts = node.attributes.get_int("group", 1), node.attributes.get_int("offset_group", 1)
    out = tape.sizes(offset)[2:]
    sizes = [n * parts, channels // parts, *spatial]

    taps = []
    for axis, place in enumerate(_tap_places(tape, node, offset, kernel, out, n * parts)):
        column = tape.Reshape(place, [0, -1, 1])
        taps.append(polynomial_taps(tape, column, spatial[axis], "linear", "zeros"))
    near = together(tape, taps, spatial, n * parts)
    images = tape.Reshape(tape.widened(x), sizes)
    shares = None if mask is None else tape.Reshape(tape.widened(mask), [sizes[0], -1, 1])

    wide = tape.Reshape(tape.widened(g), [n, group, out_channels // group, -1])
    kernels = tape.Reshape(tape.widened(w), [group, out_channels // group, -1])
    under = tape.MatMul(tape.Transpose(kernels, perm=[0, 2, 1]), wide)
    pulled = tape.Transpose(tape.Reshape(under, [sizes[0], sizes[1], -1]), perm=[0, 2, 1])
    to_read = pulled if shares is None else tape.Mul(pulled, shares)

    gx = gw = goffset = gmask = None
    if tape.wants(x):
        gx = tape.reshape_like(spread_places(tape, to_read, near, sizes), x)
    if tape.wants(offset):
        moved = [
            tape.Reshape(each, [sizes[0], product(kernel), 1, -1])
            for each in place_gradients(tape, to_read, images, near, sizes)
        ]
        goffset = tape.reshape_like(tape.Concat(*moved, axis=2), offset)
    if tape.wants(w) or tape.wants(mask):
        read = read_places(tape, images, near, sizes)
        if mask is not None:
            gmask = tape.reshape_like(tape.ReduceSum(tape.Mul(pulled, read), [2], keepdims=0), mask)
        masked = tape.Transpose(read if shares is None else tape.Mul(read, shares), perm=[0, 2, 1])
        rows = tape.Reshape(masked, [n, group, channels * product(kernel) // group, -1])
        outer = tape.MatMul(wide, tape.Transpose(rows, perm=[0, 1, 3, 2]))
        gw = tape.reshape_like(tape.ReduceSum(outer, [0], keepdims=0), w)
    gb = None if b is None else tape.ReduceSum(g, [0, *range(2, 2 + rank)], keepdims=0)
    return [gx, gw, goffset, gb, gmask][: len(node.inputs)]


def _tap_places(
    tape: Tape, node: ir.Node, offset: Operand, kernel: list[Size], out: list[Size], images: Size
) -> list[ir.Value]:
    """Where each tap of each window is read, in pixels along each axis: (images, *kernel, 1, *out)."""
    rank = len(kernel)
    strides = node.attributes.get_ints("strides") or [1] * rank
    dilations = node.attributes.get_ints("dilations") or [1] * rank
    pads = node.attributes.get_ints("pads") or [0] * 2 * rank
    offsets = tape.Reshape(tape.widened(offset), [images, *kernel, rank, *out])
    columns = tape.op("Split", offsets, axis=1 + rank, num_outputs=rank, outputs=rank)
    places = []
    for axis, column in enumerate(columns):
        of_tap = tape.Mul(count(tape, kernel[axis]), dilations[axis])
        of_window = tape.Sub(tape.Mul(count(tape, out[axis]), strides[axis]), pads[axis])
        base = tape.Add(
            tape.Reshape(of_tap, [-1, *[1] * (2 * rank - axis)]),
            tape.Reshape(of_window, [-1, *[1] * (rank - 1 - axis)]),
        )
        places.append(tape.Add(column, tape.cast_like(base, column)))
    return places


RULES: dict[str, Pullback] = {
    "AffineGrid": affine_grid,
    "DeformConv": deform_conv,
    "GridSample": grid_sample,
}

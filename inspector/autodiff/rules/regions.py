"""Operators that bring regions of an image to one size.

Averages are matrix products: along each axis every region has a matrix, which weighs the pixels that its samples are
read from. Maxima are put back to the pixel that won, channel by channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx_ir as ir

from inspector.autodiff.sampling import number
from inspector.autodiff.scatter import scatter_add
from inspector.autodiff.sizes import Size, count
from inspector.autodiff.tape import Operand, Pullback, Tape, Values


@dataclass(frozen=True)
class _Samples:
    """Along one axis of every region; (R, bins, samples) each."""

    low: ir.Value
    """the pixel below, a whole number"""
    share: ir.Value
    """how far above it the sample lies, in pixels"""
    there: ir.Value
    """1 for samples that the region has and that lie in the image, else 0"""
    real: ir.Value
    """1 for samples that the region has, else 0"""
    amount: ir.Value
    """samples in each bin of the region, at least 1; (R, 1, 1)"""
    by_start: ir.Value
    """the derivative of the place by where the region starts; 0 where it is held at the edge"""
    by_end: ir.Value

    def weights(self, tape: Tape) -> tuple[ir.Value, ir.Value]:
        """Of the pixels below and above."""
        return tape.Mul(tape.Sub(1, self.share), self.there), tape.Mul(self.share, self.there)


def roi_align(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """He et al., Mask R-CNN (2017), section 3: to the pixels around each sample, and to the bounds of the regions,
    which the samples move with. (Which image a region is of, and how many samples it has, are whole numbers.)
    """
    (g,), (x, rois, batch) = cotangents, node.inputs
    corners = tape.Mul(tape.widened(rois), node.attributes.get_float("spatial_scale", 1.0))
    half = node.attributes.get_string("coordinate_transformation_mode", "half_pixel") == "half_pixel"
    if half:
        corners = tape.Sub(corners, 0.5)
    sides = [
        tape.Unsqueeze(side, [2]) for side in tape.op("Split", corners, axis=1, num_outputs=4, outputs=4)
    ]
    along = [
        _samples(tape, node, sides[1 - axis], sides[3 - axis], tape.size(x, 2 + axis), axis, half=half)
        for axis in (0, 1)
    ]
    average = node.attributes.get_string("mode", "avg") == "avg"
    pull = _average if average else _largest_sample
    gx, moved = pull(tape, tape.widened(g), x, batch, along, wanted=tape.wants(rois))
    if moved is None:
        return [gx, None, None]
    # [of rows, of columns] by start and by end -> x1, y1, x2, y2
    joined = tape.Concat(moved[1][0], moved[0][0], moved[1][1], moved[0][1], axis=1)
    return [gx, tape.Mul(joined, node.attributes.get_float("spatial_scale", 1.0)), None]


_Moved = tuple[tuple[ir.Value, ir.Value], tuple[ir.Value, ir.Value]]
"""For rows and for columns the cotangents (R, 1) of start and end."""


def _samples(
    tape: Tape, node: ir.Node, start: ir.Value, end: ir.Value, size: Size, axis: int, *, half: bool
) -> _Samples:
    """From the bounds (R, 1, 1) of the regions, in pixels."""
    bins = node.attributes.get_int(("output_height", "output_width")[axis], 1)
    ratio = node.attributes.get_int("sampling_ratio", 0)
    length = tape.Sub(end, start)
    grows = None if half else tape.Greater(length, 1)
    if grows is not None:
        length = tape.Max(length, 1)
    step = tape.Div(length, bins)
    own = tape.Add(tape.Mul(step, 0), ratio) if ratio > 0 else tape.Max(tape.Ceil(step), 0)
    sample = tape.cast_like(count(tape, ratio) if ratio > 0 else _range(tape, own), start)
    amount = tape.Max(own, 1)
    # in bins from the start
    within = tape.Add(
        tape.Reshape(tape.cast_like(count(tape, bins), start), [1, -1, 1]),
        tape.Div(tape.Add(sample, 0.5), amount),
    )
    place = tape.Add(start, tape.Mul(within, step))
    last = number(tape, size - 1, place)
    real = tape.cast_like(tape.Less(tape.Add(sample, tape.Mul(place, 0)), own), place)
    inside = tape.And(tape.GreaterOrEqual(place, -1), tape.LessOrEqual(place, number(tape, size, place)))
    there = tape.Mul(tape.cast_like(inside, place), real)
    held = tape.Min(tape.Max(place, 0), last)
    low = tape.Floor(held)
    free = tape.cast_like(tape.And(tape.Greater(place, 0), tape.Less(place, last)), place)
    part = tape.Div(within, bins)
    if grows is not None:
        part = tape.Where(grows, part, 0)
    return _Samples(
        low,
        tape.Sub(held, low),
        there,
        real,
        amount,
        tape.Mul(tape.Sub(1, part), free),
        tape.Mul(part, free),
    )


# --- averages --------------------------------------------------------------------------------------------


def _average(
    tape: Tape, g: ir.Value, x: Operand, batch: Operand, along: Sequence[_Samples], *, wanted: bool
) -> tuple[ir.Value, _Moved | None]:
    n, channels, *sizes = tape.sizes(x)
    rows, columns = (
        _matrix(tape, samples, *samples.weights(tape), size)
        for samples, size in zip(along, sizes, strict=True)
    )
    # whether each region is of each image, (N, R, 1, 1)
    of_image = tape.Equal(tape.Reshape(count(tape, n), [-1, 1]), batch)
    chosen = tape.Unsqueeze(tape.cast_like(of_image, g), [2, 3])
    # (R, C, bins, W), then all regions in one product
    across = tape.MatMul(g, tape.Unsqueeze(columns, [1]))
    flat = tape.Reshape(tape.Transpose(across, perm=[1, 0, 2, 3]), [channels, -1, sizes[1]])
    lines = tape.Reshape(tape.Mul(chosen, rows), [n, 1, -1, sizes[0]])
    summed = tape.MatMul(tape.Transpose(lines, perm=[0, 1, 3, 2]), flat)
    # (onnxruntime leaves the product over no regions at all as it finds the memory)
    gx = tape.Where(tape.Equal(tape.Size(batch), 0), 0, tape.reshape_like(summed, x))
    if not wanted:
        return gx, None
    down = tape.MatMul(tape.Unsqueeze(tape.Transpose(rows, perm=[0, 2, 1]), [1]), g)
    wide = tape.widened(x)
    lying = tape.Transpose(wide, perm=[0, 1, 3, 2])
    of_rows = _of_matrix(tape, tape.Transpose(across, perm=[0, 2, 1, 3]), lying, chosen)
    of_columns = _of_matrix(tape, tape.Transpose(down, perm=[0, 3, 1, 2]), wide, chosen)
    return gx, (
        _moved(tape, of_rows, along[0], sizes[0]),
        _moved(tape, of_columns, along[1], sizes[1]),
    )


def _matrix(tape: Tape, samples: _Samples, of_low: ir.Value, of_high: ir.Value, size: Size) -> ir.Value:
    """(R, bins, size): the sum over the samples of each bin, over how many there are."""
    pixel = tape.cast_like(count(tape, size), of_low)
    low = tape.Unsqueeze(samples.low, [3])
    # (above the last pixel lies none, and its share is 0)
    each = tape.Add(
        tape.Where(tape.Equal(pixel, low), tape.Unsqueeze(of_low, [3]), 0),
        tape.Where(tape.Equal(pixel, tape.Add(low, 1)), tape.Unsqueeze(of_high, [3]), 0),
    )
    return tape.Div(tape.ReduceSum(each, [2], keepdims=0), samples.amount)


def _of_matrix(tape: Tape, g: ir.Value, x: ir.Value, chosen: ir.Value) -> ir.Value:
    """The cotangent (R, bins, size) of the matrices along one axis.

    Args:
        g: (R, bins, C, other), pulled back along the other axis.
        x: the images, (N, C, other, size).
    """
    rows = tape.Flatten(g, axis=2)
    images = tape.Reshape(x, tape.Concat(tape.Shape(x, end=1), [-1], tape.Shape(x, start=3), axis=0))
    products = tape.MatMul(rows, images)
    shape = tape.Concat(tape.Shape(x, end=1), tape.Shape(g, end=2), tape.Shape(x, start=3), axis=0)
    return tape.ReduceSum(tape.Mul(tape.Reshape(products, shape), chosen), [0], keepdims=0)


def _moved(tape: Tape, g: ir.Value, samples: _Samples, size: Size) -> tuple[ir.Value, ir.Value]:
    """Of start and end (R, 1), from the cotangent of the matrices: a sample that moves takes from the pixel below it
    what it gives to the one above.
    """

    def moved(by: ir.Value) -> ir.Value:
        change = tape.Mul(samples.there, by)
        matrix = _matrix(tape, samples, tape.Neg(change), change, size)
        return tape.Unsqueeze(tape.ReduceSum(tape.Mul(g, matrix), [1, 2], keepdims=0), [1])

    return moved(samples.by_start), moved(samples.by_end)


# --- maxima ----------------------------------------------------------------------------------------------


def _largest_sample(
    tape: Tape, g: ir.Value, x: Operand, batch: Operand, along: Sequence[_Samples], *, wanted: bool
) -> tuple[ir.Value, _Moved | None]:
    """Of the products of a pixel and its weight the largest counts (so runtime and reference have it)."""

    def both(low: ir.Value, high: ir.Value) -> ir.Value:
        return tape.Concat(low, high, axis=2)

    last = [number(tape, size - 1, g) for size in tape.sizes(x)[2:]]
    index = [
        both(samples.low, tape.Min(tape.Add(samples.low, 1), end))
        for samples, end in zip(along, last, strict=True)
    ]
    weights = [both(*samples.weights(tape)) for samples in along]
    real = [both(samples.real, samples.real) for samples in along]
    winners = _winners(tape, x, batch, index, _products(tape, real), _products(tape, weights))
    gx = winners.put_back(tape, g, x)
    if not wanted:
        return gx, None
    of_weight = winners.of_weight(tape, g)
    bins = tape.Mul(*(tape.Shape(samples.low, start=1, end=2) for samples in along))

    def moved(axis: int, by: ir.Value) -> ir.Value:
        change = tape.Mul(along[axis].there, by)
        factors = list(weights)
        factors[axis] = both(tape.Neg(change), change)
        slope = winners.of(tape, _products(tape, factors))
        of_bins = tape.ReduceSum(tape.Mul(of_weight, slope), [1], keepdims=0)
        by_region = tape.Reshape(of_bins, tape.Concat([-1], bins, axis=0))
        return tape.ReduceSum(by_region, [1], keepdims=1)

    first, second = (
        (moved(axis, samples.by_start), moved(axis, samples.by_end)) for axis, samples in enumerate(along)
    )
    return gx, (first, second)


def max_roi_pool(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """To the largest element of each bin. The bounds of the regions are rounded: nothing comes back to them."""
    (g,), (x, rois) = cotangents, node.inputs
    batch, *sides = tape.op("Split", tape.widened(rois), axis=1, num_outputs=5, outputs=5)
    scaled = [tape.Mul(side, node.attributes.get_float("spatial_scale", 1.0)) for side in sides]
    # halves away from zero, as in C
    corners = [
        tape.Unsqueeze(tape.Mul(tape.Sign(side), tape.Floor(tape.Add(tape.Abs(side), 0.5))), [2])
        for side in scaled
    ]
    index, real = [], []
    for axis, bins in enumerate(node.attributes["pooled_shape"].as_ints()):
        start, end, size = corners[1 - axis], corners[3 - axis], tape.size(x, 2 + axis)
        step = tape.Div(tape.Max(tape.Add(tape.Sub(end, start), 1), 1), bins)
        bin_ = tape.Reshape(tape.cast_like(count(tape, bins), start), [1, -1, 1])

        def clamped(edge: ir.Value, start: ir.Value = start, size: Size = size) -> ir.Value:
            return tape.Min(tape.Max(tape.Add(edge, start), 0), number(tape, size, edge))

        first = clamped(tape.Floor(tape.Mul(bin_, step)))
        behind = clamped(tape.Ceil(tape.Mul(tape.Add(bin_, 1), step)))
        place = tape.Add(first, tape.cast_like(_range(tape, tape.Sub(behind, first)), first))
        index.append(tape.Min(place, number(tape, size - 1, place)))
        real.append(tape.cast_like(tape.Less(place, behind), tape.widened(x)))
    there = _products(tape, real)
    whole = tape.Cast(tape.Squeeze(batch, [1]), to=ir.DataType.INT64.value)
    winners = _winners(tape, x, whole, index, there, there)
    return [winners.put_back(tape, tape.widened(g), x), None]


@dataclass(frozen=True)
class _Winners:
    """Which of the candidates, pixels with weights, is the largest: in every bin and channel."""

    rows: ir.Value
    """the pixels of all images, (N * pixels, C)"""
    row: ir.Value
    """where in `rows` each candidate lies, (R * bins, candidates)"""
    weight: ir.Value
    """what it is multiplied by"""
    which: ir.Value
    """(R * bins, C)"""

    def of(self, tape: Tape, values: ir.Value) -> ir.Value:
        """The winner's one of `values` (R * bins, candidates): (R * bins, C)."""
        return tape.GatherElements(values, self.which, axis=1)

    def put_back(self, tape: Tape, g: ir.Value, x: Operand) -> ir.Value:
        """The cotangent of `x`, for `g` (R, C, *bins) of what won."""
        shares = tape.Mul(_bins_first(tape, g), self.of(tape, self.weight))
        summed = scatter_add(tape, tape.Shape(self.rows), self.of(tape, self.row), shares, axis=0)
        n, channels, *_ = tape.sizes(x)
        images = tape.Transpose(tape.Reshape(summed, [n, -1, channels]), perm=[0, 2, 1])
        return tape.reshape_like(images, x)

    def of_weight(self, tape: Tape, g: ir.Value) -> ir.Value:
        """The cotangent (R * bins, C) of the winners' weights."""
        pixels = tape.GatherElements(self.rows, self.of(tape, self.row), axis=0)
        return tape.Mul(_bins_first(tape, g), pixels)


def _winners(
    tape: Tape, x: Operand, batch: Operand, index: list[ir.Value], real: ir.Value, weight: ir.Value
) -> _Winners:
    """Among the candidates at `index` along each axis (R, bins, candidates), in the image that `batch` tells."""
    _, channels, height, width = tape.sizes(x)
    rows = tape.Reshape(tape.Transpose(tape.widened(x), perm=[0, 2, 3, 1]), [-1, channels])
    vertical, horizontal = _pairs(tape, [tape.Cast(each, to=ir.DataType.INT64.value) for each in index])
    image = tape.Mul(tape.cast(batch, ir.DataType.INT64), tape.ints([height * width]))
    place = tape.Add(tape.Mul(vertical, tape.ints([width])), horizontal)
    row = tape.Flatten(tape.Add(place, tape.Reshape(image, [-1, 1, 1, 1, 1])), axis=3)
    values = tape.Mul(tape.Gather(rows, row), tape.Unsqueeze(weight, [2]))
    masked = tape.Where(tape.Unsqueeze(tape.Equal(real, 0), [2]), float("-inf"), values)
    return _Winners(rows, row, weight, tape.ArgMax(masked, axis=1, keepdims=0))


def _pairs(tape: Tape, along: Sequence[ir.Value]) -> tuple[ir.Value, ir.Value]:
    """(R, bins, candidates) of rows and columns, to be broadcast to (R, bins, bins, candidates, candidates)."""
    rows, columns = along
    return tape.Unsqueeze(rows, [2, 4]), tape.Unsqueeze(columns, [1, 3])


def _products(tape: Tape, along: Sequence[ir.Value]) -> ir.Value:
    """Of rows and columns (R, bins, candidates), for every pair: (R * bins, candidates)."""
    return tape.Flatten(tape.Mul(*_pairs(tape, along)), axis=3)


def _bins_first(tape: Tape, g: ir.Value) -> ir.Value:
    """(R, C, *bins) -> (R * bins, C)."""
    return tape.Flatten(tape.Transpose(g, perm=[0, 2, 3, 1]), axis=3)


def _range(tape: Tape, amounts: ir.Value) -> ir.Value:
    """0, 1, ... up to the largest of the amounts (R, ...), but at least 0."""
    with_one = tape.Concat(tape.Reshape(amounts, [-1]), tape.ones(tape.ints([1]), amounts), axis=0)
    most = tape.Cast(tape.ReduceMax(with_one, keepdims=0), to=ir.DataType.INT64.value)
    return tape.Range(0, most, 1)


RULES: dict[str, Pullback] = {
    "MaxRoiPool": max_roi_pool,
    "RoiAlign": roi_align,
}

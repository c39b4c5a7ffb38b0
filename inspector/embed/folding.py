"""From a tensor of the graph to maps (N, C, spatial...), by nodes: what `Grid.fold` does to an array."""

from __future__ import annotations

from collections.abc import Mapping

import onnx_ir as ir

from inspector.autodiff.sizes import Size
from inspector.autodiff.tape import Tape
from inspector.embed.traced import Traced
from inspector.explain.geometry.axes import BATCH, OTHER
from inspector.explain.geometry.grid import Grid

__all__ = ["Sides", "fold"]

Sides = Mapping[int, Size]
"""The length of the maps along each spatial axis of the input, where only a run can tell it."""


def fold(tape: Tape, value: ir.Value, grid: Grid, sides: Sides | None = None) -> Traced:
    """`value`, which `grid` was made for, as maps.

    Args:
        tape: where the nodes are written.
        value: the tensor.
        grid: how it is read.
        sides: where they are not those of `grid`, which then must hold no axis of several factors but that of tokens.
    """
    cut = _without_tokens_that_are_no_place(tape, value, grid)
    sizes = _sizes(tape, cut, grid, sides)
    folded = (
        cut if len(sizes) == len(grid.axes) else tape.Reshape(cut, [-1 if s is None else s for s in sizes])
    )
    maps = Traced(tape, folded, len(sizes)).transpose(grid.order)
    counts = [sum(factor.what == what for factor in grid.factors) for what in (BATCH, OTHER, *grid.spaces)]
    if counts == [1] * len(counts):
        return maps
    spatial: list[Size] = list(grid.sides) if sides is None else [sides[space] for space in grid.spaces]
    channels = grid.channels if sides is None else _product_of(sizes, grid, OTHER)
    samples = -1 if counts[0] else 1
    return maps.reshape([samples, channels, *spatial])


def _without_tokens_that_are_no_place(tape: Tape, value: ir.Value, grid: Grid) -> ir.Value:
    cuts = [(axis, lead, trail) for axis, (lead, _, trail) in enumerate(grid.axes) if lead or trail]
    if not cuts:
        return value
    starts = [lead for _, lead, _ in cuts]
    ends = [-trail if trail else 2**62 for _, _, trail in cuts]
    return tape.Slice(value, starts, ends, [axis for axis, _, _ in cuts])


def _sizes(tape: Tape, cut: ir.Value, grid: Grid, sides: Sides | None) -> list[Size | None]:
    """The length of each factor; None: of that which counts samples, which a Reshape finds."""
    sizes: list[Size | None] = []
    for axis, (lead, segment, trail) in enumerate(grid.axes):
        for factor in segment:
            if factor.what == BATCH:
                sizes.append(None)
            elif sides is None:
                sizes.append(factor.size)
            elif len(segment) > 1 and factor.what >= 0:
                sizes.append(sides[factor.what])
            elif lead or trail or len(segment) > 1:
                sizes.append(factor.size)
            else:
                sizes.append(tape.size(cut, axis))
    return sizes


def _product_of(sizes: list[Size | None], grid: Grid, what: int) -> Size:
    total: Size = 1
    for size, factor in zip(sizes, grid.factors, strict=True):
        if factor.what == what and size is not None:
            total = size * total
    return total

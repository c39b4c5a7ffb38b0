"""Operators that read an image at places which are themselves tensors."""

from __future__ import annotations

import onnx_ir as ir

from inspector.autodiff.sampling import (
    number,
    place_gradients,
    polynomial_taps,
    spread_places,
    together,
)
from inspector.autodiff.tape import Pullback, Tape, Values


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
    rows = tape.Transpose(tape.Reshape(g, [0, 0, -1]), perm=[0, 2, 1])
    gx = spread_places(tape, rows, near, x) if tape.wants(x) else None
    if not (near.slopes and tape.wants(grid)):
        return [gx, None]
    pulled = [
        tape.Mul(tape.Mul(each, number(tape, size - 1 if aligned else size, each)), 0.5)
        for each, size in zip(place_gradients(tape, rows, near, x), sizes[2:], strict=True)
    ]
    return [gx, tape.reshape_like(tape.Concat(*reversed(pulled), axis=2), grid)]


RULES: dict[str, Pullback] = {
    "GridSample": grid_sample,
}

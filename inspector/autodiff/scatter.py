"""The transpose of picking elements: add each cotangent at the place that its element was picked from."""

from __future__ import annotations

from collections.abc import Callable

import onnx_ir as ir

from inspector.autodiff.tape import Operand, Tape

__all__ = ["put_back", "scatter_add"]


def scatter_add(
    tape: Tape, shape: ir.Value, indices: Operand, g: Operand, axis: int, *, distinct: bool = False
) -> ir.Value:
    """Zeros of `shape` with `g` added at `indices` along `axis` (as in ScatterElements).

    `distinct` promises that no index occurs twice, so that nothing need be added.
    """
    if distinct:
        return tape.ScatterElements(tape.zeros(shape, g), indices, g, axis=axis)
    # half precision would lose small terms, and onnxruntime has no such kernel
    wide = tape.widened(g)
    summed = tape.ScatterElements(tape.zeros(shape, wide), indices, wide, axis=axis, reduction="add")
    return tape.cast_like(summed, g)


def put_back(tape: Tape, x: Operand, g: Operand, move: Callable[[ir.Value], ir.Value]) -> ir.Value:
    """The pullback of `move`, an operator that only picks, repeats and rearranges elements of `x`.

    It is shown the elements' positions and so tells where each of its results came from.
    """
    # (onnxruntime has no Size of bfloat16)
    count = tape.ReduceProd(tape.shape(x), keepdims=0)
    positions = tape.Reshape(tape.Range(0, count, 1), tape.shape(x), allowzero=1)
    origins = tape.Reshape(move(positions), [-1])
    # one place more than x has takes what came from nowhere
    places = tape.Reshape(tape.Add(count, 1), [1])
    summed = scatter_add(tape, places, origins, tape.Reshape(g, [-1]), axis=0)
    return tape.reshape_like(tape.Slice(summed, [0], [-1], [0]), x)

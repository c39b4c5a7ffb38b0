"""Where a lowering writes: a tape that knows which float tensors stand for integer ones, and in which units.

An integer q stands for the real number (q - zero) * scale. In the lowered graph the tensor that held q holds that
real number, unrounded, so its gradient is per unit of what it means. Operators that know no scale (arithmetic on
integers) are given the numbers q themselves: real / scale + zero, unrounded too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir

from inspector.autodiff.lowering.inference import infer_results
from inspector.autodiff.lowering.ranges import Range
from inspector.autodiff.tape import Operand, Tape

__all__ = ["INTEGER", "Scope", "Units", "element_type"]


@dataclass(frozen=True)
class Units:
    """How an integer tensor is read: real = (integer - zero) * scale; None for 0 and 1.

    Attributes:
        scale: a scalar, a vector along `axis`, or one entry per block of `block` elements along `axis`.
        zero: of the same shape.
        axis: of the tensor.
        block: its length; 0: not blocked.
    """

    scale: Operand = None
    zero: Operand = None
    axis: int = 1
    block: int = 0


_MOST = 2**24
"""Elements of a constant that may be unfolded to floats (64 MB)."""

INTEGER = Units()
"""The integer itself."""


class Scope(Tape):
    """The tape of a lowering."""

    def __init__(self, graph: ir.Graph) -> None:
        super().__init__(graph)
        self.opsets = graph.opset_imports
        self.units: dict[ir.Value, Units] = {}
        """Float tensors that stand for integer ones."""
        self.ranges: dict[ir.Value, Range] = {}
        """Between which numbers the elements of a tensor lie, where a saturation has told."""
        self.reported = False
        """Whether what the node at hand computes is only reported: nothing computes with it."""

    def op(self, op_type: str, *inputs: Any, outputs: int = 1, **attributes: Any) -> Sequence[ir.Value]:
        results = super().op(op_type, *inputs, outputs=outputs, **attributes)
        producer = results[0].producer()
        if producer is not None:
            # inference knows better than the tape's guess, where it knows
            guesses = [result.type for result in results]
            for result in results:
                result.type = None
            infer_results(producer, self.opsets)
            for result, guess in zip(results, guesses, strict=True):
                result.type = result.type or guess
        return results

    # --- integer tensors ---------------------------------------------------------------------------------

    def stands_for_integers(self, value: Operand) -> bool:
        """Whether `value` took the place of an integer tensor."""
        return value in self.units

    def real(self, value: Operand, units: Units, dtype: ir.DataType | None = None) -> ir.Value:
        """The real numbers that the integers `value` mean to a reader that has these `units`, as `dtype`.

        May be `value` itself, where it stands for integers of these units.
        """
        assert value is not None
        own = self.units.get(value)
        dtype = dtype or (ir.DataType.FLOAT if units.scale is None else units.scale.dtype)
        if own is not None and self._same_units(own, units):
            return self.cast(value, dtype)
        stays = own is None and self.known(value) is not None and not self.unfolds(value)
        if stays and self._standard(value, units, dtype):
            # large constants stay as small as they are in the file
            return self.DequantizeLinear(
                value, units.scale, units.zero, axis=units.axis, block_size=units.block or None
            )
        return self.in_units(self.integers(value), units, dtype)

    def unfolds(self, value: Operand) -> bool:
        """Whether `value` is a constant that is best dequantised once, when a session is made.

        The runtime folds a Cast, a difference and a product, never a DequantizeLinear, which it repeats in every run
        (20 % of the time of a gradient of convolutions); but then it holds the weights as floats.
        """
        array = self.known(value)
        eight_bits = element_type(value) in (ir.DataType.INT8, ir.DataType.UINT8)
        return eight_bits and array is not None and array.size <= _MOST

    def integers(self, value: Operand) -> ir.Value:
        """The integers themselves, as float32 (unrounded where `value` stands for them)."""
        assert value is not None
        units = self.units.get(value)
        if units is None:
            return self.cast(value, ir.DataType.FLOAT)
        numbers = value
        if units.scale is not None and not self._is(units.scale, 1):
            numbers = self.Div(
                numbers, self.spread_over(self.cast_like(units.scale, numbers), numbers, units)
            )
        if units.zero is not None and not self._is(units.zero, 0):
            numbers = self.Add(numbers, self.spread_over(self.cast_like(units.zero, numbers), numbers, units))
        return numbers

    def as_integers(self, value: ir.Value, units: Units) -> ir.Value:
        """`value` as a tensor that stands for integers of these units."""
        result = self.Identity(value)
        self.units[result] = units
        return result

    def spread_over(self, entries: ir.Value, target: Operand, units: Units) -> ir.Value:
        """Scales or zero points in a shape that broadcasts to `target`."""
        assert target is not None
        shape = entries.shape
        if shape is not None and len(shape) == 0:
            return entries
        if units.block:
            return self._spread_blocks(entries, target, units)
        if shape is not None and len(shape) == 1 and shape[0] == 1:
            return self.Reshape(entries, [])
        if shape is not None and len(shape) > 1:
            return entries
        rank = self.rank(target)
        axis = units.axis % rank
        return self.Reshape(entries, [-1, *[1] * (rank - axis - 1)])

    def in_units(self, numbers: ir.Value, units: Units, dtype: ir.DataType | None) -> ir.Value:
        """What integers `numbers` mean in `units`, as `dtype`."""
        dtype = dtype or ir.DataType.FLOAT
        result = self.cast(numbers, dtype)
        if units.zero is not None and not self._is(units.zero, 0):
            result = self.Sub(result, self.spread_over(self.cast(units.zero, dtype), result, units))
        if units.scale is not None and not self._is(units.scale, 1):
            result = self.Mul(result, self.spread_over(self.cast(units.scale, dtype), result, units))
        return result

    def common_units(self, values: Sequence[ir.Value]) -> Units | None:
        """The units that all of `values` have; None where they differ, or go along an axis."""
        first, *others = (self.units.get(value) for value in values)
        if first is None or not self.is_scalar(first.scale):
            return None
        return (
            first if all(other is not None and self._same_units(first, other) for other in others) else None
        )

    def known(self, value: Operand) -> np.ndarray[Any, Any] | None:
        """As for any tape; what is passed on under another name is known too."""
        producer = None if value is None else value.producer()
        if producer is not None and producer.op_type == "Identity":
            return self.known(producer.inputs[0])
        return super().known(value)

    def is_scalar(self, value: Operand) -> bool:
        """Whether one number serves all elements."""
        if value is None:
            return True
        return value.shape is not None and all(dim == 1 for dim in value.shape)

    # --- inside ------------------------------------------------------------------------------------------

    def _spread_blocks(self, entries: ir.Value, target: ir.Value, units: Units) -> ir.Value:
        """Each entry repeated `block` times along the axis, and what is too much of the last cut off."""
        axis = units.axis % self.rank(target)
        sizes = self.sizes(entries)
        apart = self.Unsqueeze(entries, [axis + 1])
        repeated = self.Expand(apart, [*sizes[: axis + 1], units.block, *sizes[axis + 1 :]])
        joined = self.Reshape(
            repeated, [*sizes[:axis], sizes[axis] * units.block, *sizes[axis + 1 :]], allowzero=1
        )
        return self.Slice(joined, [0], [self.size(target, axis)], [axis])

    def _same_units(self, a: Units, b: Units) -> bool:
        if not (self._same(a.scale, b.scale, 1) and self._same(a.zero, b.zero, 0)):
            return False
        # a scale for all has no axis
        return (a.axis, a.block) == (b.axis, b.block) or self.is_scalar(a.scale)

    def _same(self, a: Operand, b: Operand, default: int) -> bool:
        if a is b:
            return True
        one, other = (np.array(default) if value is None else self.known(value) for value in (a, b))
        return (
            one is not None
            and other is not None
            and one.size == other.size
            and bool((one.ravel() == other.ravel()).all())
        )

    def _is(self, value: Operand, number: int) -> bool:
        array = self.known(value)
        return array is not None and bool((array.astype(np.float64) == number).all())

    def _standard(self, value: ir.Value, units: Units, dtype: ir.DataType | None) -> bool:
        """Whether the standard's DequantizeLinear reads `value` at this opset."""
        narrow = (ir.DataType.INT8, ir.DataType.UINT8, ir.DataType.INT32)
        if units.scale is None or (units.zero is not None and units.zero.dtype != value.dtype):
            return False
        if units.scale.dtype != dtype or (
            units.scale.shape is not None and len(units.scale.shape) > 1 != bool(units.block)
        ):
            return False
        return (value.dtype in narrow and not units.block) or self.opsets.get("", 0) >= 21


def element_type(value: Operand) -> ir.DataType | None:
    """The element type of a tensor; None where there is none, or it is unknown."""
    return None if value is None else value.dtype

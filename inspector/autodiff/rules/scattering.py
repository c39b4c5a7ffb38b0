"""Writing elements at indices: replacing what is there, or adding, multiplying, taking the larger or the smaller.

Several updates may meet at one place; all rules work on the places together with what the place held before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import onnx_ir as ir

from inspector.autodiff.broadcasting import along
from inspector.autodiff.sizes import count
from inspector.autodiff.tape import Operand, Pullback, Tape, Values


@dataclass(frozen=True)
class Places:
    """Where the updates of one node go, by element (ScatterElements) or by slice (ScatterND)."""

    tape: Tape
    node: ir.Node
    indices: Operand

    def gather(self, value: Operand) -> ir.Value:
        """What `value`, of the shape of the data, has at the place of each update."""
        if self.node.op_type == "ScatterND":
            return self.tape.GatherND(value, self.indices)
        return self.tape.GatherElements(value, self.indices, axis=self._axis)

    def scatter(self, value: Operand, updates: Operand, reduction: str) -> ir.Value:
        """`value`, of the shape of the data, with `updates` written into it."""
        options: dict[str, Any] = {} if reduction == "none" else {"reduction": reduction}
        if self.node.op_type == "ScatterND":
            return self.tape.ScatterND(value, self.indices, updates, **options)
        return self.tape.ScatterElements(value, self.indices, updates, axis=self._axis, **options)

    def total(self, updates: Operand) -> ir.Value:
        """The sum of the updates of each place; zero where there are none."""
        data = self.node.inputs[0]
        return self.scatter(self.tape.zeros(self.tape.shape(data), updates), updates, "add")

    @property
    def _axis(self) -> int:
        return self.node.attributes.get_int("axis", 0)


def scatter(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """ScatterElements and ScatterND."""
    (g,), (data, indices, updates), (y,) = cotangents, node.inputs, node.outputs
    places = Places(tape, node, indices)
    reduction = node.attributes.get_string("reduction", "none")
    if reduction == "add":
        return [g, None, places.gather(g)]
    if reduction == "none":
        # no place is written twice: the standard leaves open who would win
        return [places.scatter(g, tape.zeros_like(updates), "none"), None, places.gather(g)]
    wide = [tape.widened(each) for each in (g, data, updates, y)]
    if reduction == "mul":
        gd, gu = _product(places, *wide[:3])
    else:
        gd, gu = _extremum(places, *wide)
    return [gd, None, gu]


def _product(places: Places, g: Operand, data: Operand, updates: Operand) -> tuple[Operand, Operand]:
    """Each factor gets the product of the others, without dividing by zero."""
    tape = places.tape
    zero = tape.Equal(updates, 0)
    filled = tape.Where(zero, 1, updates)
    ones = tape.ones(tape.shape(data), data)
    zeros = tape.cast_like(zero, g)
    others = tape.Sub(places.gather(places.total(zeros)), zeros)
    rest = tape.Div(places.gather(places.scatter(ones, filled, "mul")), filled)
    gu = tape.Where(tape.Equal(others, 0), tape.Mul(places.gather(tape.Mul(g, data)), rest), 0)
    return tape.Mul(g, places.scatter(ones, updates, "mul")), gu


def _extremum(
    places: Places, g: Operand, data: Operand, updates: Operand, y: Operand
) -> tuple[Operand, Operand]:
    """To the one that was taken; those that tie share equally, as everywhere here."""
    tape = places.tape
    from_data = tape.cast_like(tape.Equal(data, y), g)
    from_updates = tape.cast_like(tape.Equal(updates, places.gather(y)), g)
    share = tape.Div(g, tape.Add(from_data, places.total(from_updates)))
    return tape.Mul(share, from_data), tape.Mul(places.gather(share), from_updates)


def tensor_scatter(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """A run of updates along one axis, begun at an index for each sample."""
    (g,), (_, update, *start) = cotangents, node.inputs
    mode, axis = node.attributes.get_string("mode", "linear"), node.attributes.get_int("axis", -2)
    kept = tape.TensorScatter(g, tape.zeros_like(update), *start, mode=mode, axis=axis)
    rank = tape.rank(update)
    axis %= rank
    places: ir.Value = along(tape, count(tape, tape.size(update, axis)), axis, rank)
    if start and start[0] is not None:
        begin = tape.Cast(start[0], to=ir.DataType.INT64.value)
        places = tape.Add(places, tape.Reshape(begin, [-1, *[1] * (rank - 1)]))
    if mode == "circular":
        places = tape.Mod(places, tape.ints([tape.size(g, axis)]))
    g_update = tape.GatherElements(g, tape.Expand(places, tape.shape(update)), axis=axis)
    return [kept, g_update, *([None] * len(start))]


RULES: dict[str, Pullback] = {
    "ScatterElements": scatter,
    "ScatterND": scatter,
    "TensorScatter": tensor_scatter,
}

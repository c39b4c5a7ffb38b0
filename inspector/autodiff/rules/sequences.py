"""Sequences and optional values. The cotangent of a sequence is the sequence of its tensors' cotangents, that of an
optional value is the cotangent of what it holds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from inspector.autodiff.sequences import each, zeros_like
from inspector.autodiff.tape import Operand, Pullback, Tape, Values


def construct(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    return [tape.SequenceAt(*cotangents, np.array(place)) for place in range(len(node.inputs))]


def insert(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (_, _, *position) = cotangents, node.inputs
    # from the back, the new element stands one further than it was inserted
    place = [tape.Where(tape.Less(at, 0), tape.Sub(at, 1), at) for at in position]
    return [tape.SequenceErase(g, *place), _element(tape, g, place), *([None] * len(position))]


def erase(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (sequence, *position) = cotangents, node.inputs
    erased = tape.zeros_like(_element(tape, sequence, position))
    place = [_from_front(tape, sequence, at) for at in position]
    return [tape.SequenceInsert(g, erased, *place), *([None] * len(position))]


def at(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (sequence, position) = cotangents, node.inputs
    others = tape.SequenceErase(zeros_like(tape, sequence), position)
    return [tape.SequenceInsert(others, g, _from_front(tape, sequence, position)), None]


def _element(tape: Tape, sequence: Operand, position: Sequence[Operand]) -> ir.Value:
    """The element at a position; the last one where none is given."""
    return tape.SequenceAt(sequence, *position) if position else tape.SequenceAt(sequence, np.array(-1))


def _from_front(tape: Tape, sequence: Operand, position: Operand) -> ir.Value:
    """A position that may be counted from the back, counted from the front."""
    return tape.Where(
        tape.Less(position, 0),
        tape.Add(position, tape.cast_like(tape.SequenceLength(sequence), position)),
        position,
    )


def split(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Concatenate; pieces of one element each may have lost their axis."""
    (g,), (_, *sizes) = cotangents, node.inputs
    axis, kept = node.attributes.get_int("axis", 0), node.attributes.get_int("keepdims", 1)
    stacked = not kept and all(size is None for size in sizes)
    return [tape.ConcatFromSequence(g, axis=axis, new_axis=int(stacked)), *([None] * len(sizes))]


def concat(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (sequence,) = cotangents, node.inputs
    axis = node.attributes["axis"].as_int()
    if node.attributes.get_int("new_axis", 0):
        return [tape.SplitToSequence(g, axis=axis, keepdims=0)]
    assert sequence is not None
    end = None if axis == -1 else axis + 1
    sizes = each(tape, sequence, lambda inner, x, _: inner.Shape(x, start=axis, end=end), ir.DataType.INT64)
    return [tape.SplitToSequence(g, tape.ConcatFromSequence(sizes, axis=0), axis=axis)]


def optional(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """What an optional value holds passes unchanged, in and out."""
    return cotangents if node.inputs else []


RULES: dict[str, Pullback] = {
    "ConcatFromSequence": concat,
    "Optional": optional,
    "OptionalGetElement": optional,
    "SequenceAt": at,
    "SequenceConstruct": construct,
    "SequenceErase": erase,
    "SequenceInsert": insert,
    "SplitToSequence": split,
}

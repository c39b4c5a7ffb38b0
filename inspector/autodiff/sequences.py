"""Cotangents of sequences: a sequence with the cotangent of each tensor in it."""

from __future__ import annotations

from collections.abc import Callable

import onnx_ir as ir

from inspector.autodiff.tape import Operand, Tape

__all__ = ["add", "each", "is_sequence", "zeros_like"]


def is_sequence(value: Operand) -> bool:
    """Whether `value` is a sequence of tensors."""
    return value is not None and isinstance(value.type, ir.SequenceType)


def add(tape: Tape, a: ir.Value, b: ir.Value) -> ir.Value:
    """The sum of two cotangents of one tensor, or of one sequence."""
    if not is_sequence(a):
        return tape.Add(a, b)
    return each(tape, a, lambda inner, x, i: inner.Add(x, inner.SequenceAt(b, i)))


def zeros_like(tape: Tape, value: Operand) -> ir.Value:
    """The zero cotangent of a tensor, of a sequence, or of what an optional value holds."""
    if value is not None and isinstance(value.type, ir.OptionalType):
        return zeros_like(tape, tape.OptionalGetElement(value))
    if not is_sequence(value):
        return tape.zeros_like(value)
    assert value is not None
    return each(tape, value, lambda inner, x, i: inner.zeros_like(x))


def each(
    tape: Tape,
    sequence: ir.Value,
    make: Callable[[Tape, ir.Value, ir.Value], ir.Value],
    dtype: ir.DataType | None = None,
) -> ir.Value:
    """The sequence of `make(tape, element, index)` of each element of `sequence`: of its dtype, or of `dtype`."""
    inner = tape.inner()
    index = ir.Value(name=tape.name("index"), shape=ir.Shape([]), type=ir.TensorType(ir.DataType.INT64))
    go = ir.Value(name=tape.name("go"), shape=ir.Shape([]), type=ir.TensorType(ir.DataType.BOOL))
    empty = tape.SequenceEmpty(dtype=(dtype or sequence.dtype or ir.DataType.FLOAT).value)
    so_far = tape.like(empty, "so_far")
    grown = inner.SequenceInsert(so_far, make(inner, inner.SequenceAt(sequence, index), index))
    body = inner.body([index, go, so_far], [inner.Identity(go), grown])
    return tape.Loop(tape.SequenceLength(sequence), None, empty, body=body)

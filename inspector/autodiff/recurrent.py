"""`LSTM`, `GRU` and `RNN` by a `Scan` over elementary operators, as the standard defines them.

(ONNX operator specification, LSTM-22, GRU-22, RNN-22; Hochreiter & Schmidhuber, Long Short-Term Memory, 1997;
Cho et al., Learning Phrase Representations using RNN Encoder-Decoder, 2014.) The products with the input are taken
once for all steps, outside of the scan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import onnx_ir as ir

from inspector.autodiff.activation_functions import ActivationFunction, activation_functions
from inspector.autodiff.sizes import Size
from inspector.autodiff.tape import Operand, Tape, Values

__all__ = ["gru", "lstm", "rnn"]


@dataclass(frozen=True)
class _Weights:
    """Of one direction: products and sums with what a step gets.

    Attributes:
        recurrent: (hidden, gates * hidden), transposed.
        bias: (gates * hidden), what is added to the products with the state; None for nothing.
        peepholes: (hidden) each.
    """

    recurrent: ir.Value
    bias: Operand
    peepholes: Sequence[ir.Value]


@dataclass(frozen=True)
class _Step:
    """What one step has.

    Attributes:
        z: (batch, gates * hidden), the product with the input, and its bias.
        state: (batch, hidden) each, h first.
        weights: of the direction.
        activations: of the direction.
    """

    z: ir.Value
    state: Sequence[ir.Value]
    weights: _Weights
    activations: Sequence[ActivationFunction]


Cell = Callable[[Tape, _Step], list[ir.Value]]
"""One step: the state after it."""


def lstm(tape: Tape, node: ir.Node) -> Values:
    """Y, Y_h and Y_c."""
    clip, coupled = _clip(node), bool(node.attributes.get_int("input_forget", 0))

    def cell(tape: Tape, step: _Step) -> list[ir.Value]:
        (h, c), (f, g, last), weights = step.state, step.activations, step.weights
        z = tape.Add(step.z, tape.MatMul(h, weights.recurrent))
        if weights.bias is not None:
            z = tape.Add(z, weights.bias)
        zi, zo, zf, zc = tape.op("Split", z, axis=-1, num_outputs=4, outputs=4)
        peep: Sequence[Operand] = weights.peepholes or [None] * 3

        def gate(z: ir.Value, c: ir.Value, p: Operand, act: ActivationFunction) -> ir.Value:
            return act(tape, clip(tape, z if p is None else tape.Add(z, tape.Mul(p, c))))

        i = gate(zi, c, peep[0], f)
        forget = tape.Sub(1.0, i) if coupled else gate(zf, c, peep[2], f)
        c = tape.Add(tape.Mul(forget, c), tape.Mul(i, gate(zc, c, None, g)))
        o = gate(zo, c, peep[1], f)
        # (onnxruntime does not clip the state on its way to the output)
        return [tape.Mul(o, last(tape, c)), c]

    x, w, r, b, lens, h, c, p = _inputs(node, 8)
    return _run(tape, node, [x, w, r, b, lens], [h, c], p, cell, ["Sigmoid", "Tanh", "Tanh"])


def gru(tape: Tape, node: ir.Node) -> Values:
    """Y and Y_h."""
    clip, after = _clip(node), bool(node.attributes.get_int("linear_before_reset", 0))

    def cell(tape: Tape, step: _Step) -> list[ir.Value]:
        (h,), (f, g), weights = step.state, step.activations, step.weights
        zz, zr, zh = tape.op("Split", step.z, axis=-1, num_outputs=3, outputs=3)
        rz, rr, rh = tape.op("Split", weights.recurrent, axis=-1, num_outputs=3, outputs=3)
        bz = br = bh = None
        if weights.bias is not None:
            bz, br, bh = tape.op("Split", weights.bias, axis=-1, num_outputs=3, outputs=3)

        def product(h: ir.Value, r: ir.Value, b: Operand) -> ir.Value:
            product = tape.MatMul(h, r)
            return product if b is None else tape.Add(product, b)

        update = f(tape, clip(tape, tape.Add(zz, product(h, rz, bz))))
        reset = f(tape, clip(tape, tape.Add(zr, product(h, rr, br))))
        hidden = tape.Mul(reset, product(h, rh, bh)) if after else product(tape.Mul(reset, h), rh, bh)
        new = g(tape, clip(tape, tape.Add(zh, hidden)))
        return [tape.Add(tape.Mul(tape.Sub(1.0, update), new), tape.Mul(update, h))]

    x, w, r, b, lens, h = _inputs(node, 6)
    return _run(tape, node, [x, w, r, b, lens], [h], None, cell, ["Sigmoid", "Tanh"])


def rnn(tape: Tape, node: ir.Node) -> Values:
    """Y and Y_h."""
    clip = _clip(node)

    def cell(tape: Tape, step: _Step) -> list[ir.Value]:
        (h,), (f,), weights = step.state, step.activations, step.weights
        z = tape.Add(step.z, tape.MatMul(h, weights.recurrent))
        return [f(tape, clip(tape, z if weights.bias is None else tape.Add(z, weights.bias)))]

    x, w, r, b, lens, h = _inputs(node, 6)
    return _run(tape, node, [x, w, r, b, lens], [h], None, cell, ["Tanh"])


def _run(
    tape: Tape,
    node: ir.Node,
    given: Sequence[Operand],
    state: Sequence[Operand],
    peepholes: Operand,
    cell: Cell,
    default: Sequence[str],
) -> Values:
    """The outputs of the node: the states of all steps, then each state after the last."""
    x, w, r, b, lens = given
    for value in (x, w, r, *state):
        if value is not None and value.shape is None:
            # what a file does not say, the operator does
            value.shape = ir.Shape([None, None, None])
    batch_first = bool(node.attributes.get_int("layout", 0))
    batch = tape.size(x, 0 if batch_first else 1)
    if batch_first:
        x = tape.Transpose(x, perm=[1, 0, 2])
        state = [each if each is None else tape.Transpose(each, perm=[1, 0, 2]) for each in state]
    direction = node.attributes.get_string("direction", "forward")
    backwards = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}[
        direction or "forward"
    ]
    functions = iter(activation_functions(node, [*default] * len(backwards)))
    lengths = None if lens is None else tape.Cast(lens, to=ir.DataType.INT64.value)
    results: list[Sequence[ir.Value]] = []
    for number, reverse in enumerate(backwards):
        one = _Direction(tape, number, x, w, r, b, peepholes, state, batch)
        results.append(_scan(tape, one, cell, list(islice(functions, len(default))), lengths, reverse))
    ys, *finals = zip(*results, strict=True)
    y = _joined(tape, ys, 1)
    ends = [_joined(tape, final, 0) for final in finals]
    if batch_first:
        y = tape.Transpose(y, perm=[2, 0, 1, 3])
        ends = [tape.Transpose(end, perm=[1, 0, 2]) for end in ends]
    return [y, *ends][: len(node.outputs)]


class _Direction:
    """What one direction reads of the node's inputs.

    Attributes:
        x: (steps, batch, gates * hidden), the products with the input and their bias.
        state: (batch, hidden) each, before the first step.
    """

    def __init__(
        self,
        tape: Tape,
        number: int,
        x: Operand,
        w: Operand,
        r: Operand,
        b: Operand,
        p: Operand,
        state: Sequence[Operand],
        batch: Size,
    ) -> None:
        def own(value: Operand, *sizes: Size) -> ir.Value:
            part = tape.Gather(value, np.array(number), axis=0)
            part.shape = ir.Shape([size if isinstance(size, int) else None for size in sizes])
            return part

        gates, inputs, hidden = tape.size(w, 1), tape.size(w, 2), tape.size(r, 2)
        bias = None
        self.x = tape.MatMul(x, tape.Transpose(own(w, gates, inputs), perm=[1, 0]))
        if b is not None:
            with_input, bias = tape.op("Split", own(b, tape.size(b, 1)), axis=0, num_outputs=2, outputs=2)
            self.x = tape.Add(self.x, with_input)
        self.x.shape = ir.Shape([None, None, gates if isinstance(gates, int) else None])
        own_p = [] if p is None else [own(p, tape.size(p, 1))]
        peepholes = tape.op("Split", *own_p, axis=0, num_outputs=3, outputs=3) if own_p else []
        self.weights = _Weights(tape.Transpose(own(r, gates, hidden), perm=[1, 0]), bias, peepholes)
        zeros = tape.zeros(tape.ints([batch, hidden]), x)
        zeros.shape = zeros.shape or ir.Shape([None, None])
        self.state = [zeros if each is None else own(each, batch, hidden) for each in state]


def _scan(
    tape: Tape,
    one: _Direction,
    cell: Cell,
    activations: Sequence[ActivationFunction],
    lengths: Operand,
    reverse: bool,
) -> Sequence[ir.Value]:
    """(the states h of all steps, each state after the last)."""
    x = one.x
    if lengths is not None and reverse:
        x = tape.ReverseSequence(x, lengths, time_axis=0, batch_axis=1)
    way = int(reverse and lengths is None)
    inner = tape.inner()
    state = [tape.like(each, "state") for each in one.state]
    inputs = [tape.like(one.state[0], "step")]
    sources = [x]
    inputs[0].shape = ir.Shape([None, None])
    after = cell(inner, _Step(inputs[0], state, one.weights, activations))
    seen = after[0]
    if lengths is not None:
        steps = tape.Range(0, tape.Squeeze(tape.Shape(x, start=0, end=1), [0]), 1)
        sources.append(
            tape.Unsqueeze(tape.Less(tape.Unsqueeze(steps, [1]), tape.Unsqueeze(lengths, [0])), [2])
        )
        inputs.append(tape.like(sources[1], "within"))
        # a sequence that has ended keeps its state and shows zeros
        seen = inner.Where(inputs[1], seen, 0.0)
        after = [inner.Where(inputs[1], new, old) for new, old in zip(after, state, strict=True)]
    ends_and_all = tape.op(
        "Scan",
        *one.state,
        *sources,
        body=inner.body([*state, *inputs], [*after, seen]),
        num_scan_inputs=len(sources),
        scan_input_directions=[way] * len(sources),
        scan_output_directions=[way],
        outputs=len(state) + 1,
    )
    *ends, y = ends_and_all
    if lengths is not None and reverse:
        y = tape.ReverseSequence(y, lengths, time_axis=0, batch_axis=1)
    return [y, *ends]


def _joined(tape: Tape, parts: Sequence[ir.Value], axis: int) -> ir.Value:
    """One part for each direction, along a new axis."""
    parts = [tape.Unsqueeze(part, [axis]) for part in parts]
    return parts[0] if len(parts) == 1 else tape.Concat(*parts, axis=axis)


def _inputs(node: ir.Node, count: int) -> list[Operand]:
    return [*node.inputs, *([None] * (count - len(node.inputs)))]


def _clip(node: ir.Node) -> ActivationFunction:
    """What the attribute `clip` does to the argument of an activation function."""
    threshold = node.attributes.get_float("clip", None)
    if not threshold:
        return lambda tape, z: z
    return lambda tape, z: tape.Clip(z, -threshold, threshold)

"""`If`, `Loop` and `Scan`: the pullback of a body is a body again, and that of an iteration runs backwards.

What the pullback of a body reads of the forward pass becomes further outputs of the forward node: the one change
to it, made on the engine's copy. Cotangents of what a body takes from outside are added up from one iteration to
the next (Griewank & Walther, Evaluating Derivatives, ch. 4: the adjoint of a loop).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

import numpy as np
import onnx_ir as ir

from inspector.autodiff.activity import active_inside
from inspector.autodiff.backward import Blocked, pull_back
from inspector.autodiff.bodies import Flow, captured, flows, operands
from inspector.autodiff.broadcasting import dims
from inspector.autodiff.history import remembered, settled, symbols
from inspector.autodiff.residuals import DRAWN, supply, varying
from inspector.autodiff.sequences import add, is_sequence, zeros_like
from inspector.autodiff.tape import Operand, Pullback, Tape, Values

# --- one of two ------------------------------------------------------------------------------------------


def if_(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """The pullback of the branch that was taken; a tensor that only the other one reads gets zeros."""
    outside = captured(node)
    wanted = [value for value in outside if tape.wants(value)]
    heads, walks, totals = [], [], []
    for flow in flows(node):
        head = tape.inner()
        walk = head.inner(active_inside(node, flow, tape.wanted, tape.rules))
        seeds = _seeds(walk, ((output, g) for (output, _), g in zip(flow.results, cotangents, strict=True)))
        heads.append(head)
        walks.append(walk)
        totals.append(pull_back(walk, list(flow.body), seeds, wanted))
    reached = [value for value in wanted if any(value in found for found in totals)]
    if not reached:
        return [None] * (1 + len(outside))
    kept = _Branches(tape, node)
    bodies: list[ir.Graph] = []
    for branch, (flow, head, walk, found) in enumerate(zip(flows(node), heads, walks, totals, strict=True)):
        results = [found[value] if value in found else zeros_like(walk, value) for value in reached]
        constants = {output for each in flow.body if each.op_type == "Constant" for output in each.outputs}
        results = supply(
            head,
            walk,
            flow.body,
            results,
            keep=functools.partial(kept.keep, branch),
            again=constants.__contains__,
        )
        bodies.append(head.body([], results))
    kept.complete()
    then, otherwise = bodies
    pulled = tape.op("If", node.inputs[0], then_branch=then, else_branch=otherwise, outputs=len(reached))
    found = dict(zip(reached, pulled, strict=True))
    return [None, *(found.get(value) for value in outside)]


class _Branches:
    """Further outputs of an `If`, for what the pullbacks of its branches read."""

    def __init__(self, tape: Tape, node: ir.Node) -> None:
        self._tape = tape
        self._node = node
        self._bodies = [flow.body for flow in flows(node)]
        self._slots: list[dict[int, ir.Value]] = []
        self._first = len(node.outputs)

    def keep(self, branch: int, value: ir.Value) -> ir.Value:
        """The output of the node that `value` of this branch becomes: the other branch may use it too."""
        for place, slot in enumerate(self._slots):
            if branch not in slot and all(other.type == value.type for other in slot.values()):
                slot[branch] = value
                return self._node.outputs[self._first + place]
        self._slots.append({branch: value})
        return _more_outputs(self._tape, self._node, value)

    def complete(self) -> None:
        """Write the outputs into both branches; one that has nothing to hand out hands out nothing."""
        for slot in self._slots:
            some = next(iter(slot.values()))
            for branch, body in enumerate(self._bodies):
                tape = self._tape.inner()
                output = tape.Identity(slot[branch]) if branch in slot else _nothing(tape, some)
                body.extend(tape.nodes)
                body.outputs.append(output)


def _nothing(tape: Tape, like: ir.Value) -> ir.Value:
    """A value of the type of `like` without a single number in it."""
    dtype = like.dtype or ir.DataType.FLOAT
    if is_sequence(like):
        return tape.SequenceEmpty(dtype=dtype.value)
    nothing = tape.Constant(value=ir.tensor(np.zeros(0, dtype=dtype.numpy()), dtype=dtype))
    nothing.type = like.type
    return nothing


# --- again and again -------------------------------------------------------------------------------------


def loop(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """As many iterations the other way, the last first."""
    (flow,) = flows(node)
    count = len(flow.carried)
    step = _Step(tape, node, flow, cotangents[:count])
    head, body, history = step.head, flow.body, remembered(node)
    times = tape.Squeeze(tape.Shape(_stacked(tape, node, body, body.inputs[0])), [0])
    done = ir.Value(name=tape.name("done"), shape=ir.Shape([]), type=ir.TensorType(ir.DataType.INT64))
    go = ir.Value(name=tape.name("go"), shape=ir.Shape([]), type=ir.TensorType(ir.DataType.BOOL))
    now = head.Sub(head.Sub(times, 1), done)
    for (output, _), g in zip(flow.results[count:], cotangents[count:], strict=True):
        if g is not None:
            step.seed(output, step.walk.Gather(g, now, axis=0))

    def keep(value: ir.Value) -> ir.Value:
        if value is body.inputs[0]:
            return now
        place = (
            history.get([inside for _, inside in flow.carried].index(value))
            if value in body.inputs[2:]
            else None
        )
        if place is not None:
            kept = head.SequenceAt(node.outputs[place], now)
        elif not isinstance(value.type, ir.TensorType):
            raise Blocked(node, _NO_TENSOR.format(value.name), [])
        else:
            kept = head.Gather(_stacked(tape, node, body, value), now, axis=0)
        kept.shape = value.shape
        return kept

    results = supply(head, step.walk, body, step.pull([]), keep, step.again)
    graph = head.body([done, go, *step.inputs], [head.Identity(go), *results])
    if not results:
        return [None] * len(operands(node))
    return step.by_operand(tape.op("Loop", times, None, *step.initial, body=graph, outputs=len(results)))


_NO_TENSOR = "the gradient needs each value of its state {!r}, which is no tensor and cannot be kept"


def scan(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """A scan the other way, over the cotangents of what was stacked, over the residuals and what was read."""
    (flow,) = flows(node)
    body, count = flow.body, len(flow.carried)
    axes = _listed(node, "scan_input_axes", len(node.inputs) - count)
    ways = _listed(node, "scan_input_directions", len(node.inputs) - count)
    axes_out = _listed(node, "scan_output_axes", len(body.outputs) - count)
    ways_out = _listed(node, "scan_output_directions", len(body.outputs) - count)
    step = _Step(tape, node, flow, cotangents[:count])
    read: list[tuple[ir.Value, ir.Value, int, int]] = []

    def backwards(source: Operand, like: ir.Value, axis: int, way: int) -> ir.Value:
        """What `source` holds for this iteration, read against the way in which it came about."""
        assert source is not None
        read.append((tape.like(like, "slice"), source, axis, 1 - way))
        return read[-1][0]

    for place, ((output, _), g) in enumerate(zip(flow.results[count:], cotangents[count:], strict=True)):
        if g is not None:
            step.seed(output, backwards(g, output, axes_out[place], ways_out[place]))

    def keep(value: ir.Value) -> ir.Value:
        for place, (given, inside) in enumerate(flow.entries[count:]):
            if value is inside:
                return backwards(given, inside, axes[place], ways[place])
        return backwards(_stacked(tape, node, body, value), value, 0, 0)

    sliced = [place for place in range(count, len(node.inputs)) if flow.entries[place][1] in step.active]
    results = supply(step.head, step.walk, body, step.pull(sliced), keep, step.again)
    if not results:
        return [None] * len(operands(node))
    if not read:
        # some input must tell how often
        backwards(*flow.entries[count], axes[0], ways[0])
    for name, listed in (("axes", axes_out), ("directions", ways_out)):
        added = [0] * (len(node.outputs) - count - len(listed))
        node.attributes[f"scan_output_{name}"] = ir.AttrInt64s(f"scan_output_{name}", [*listed, *added])
    return step.by_operand(
        tape.op(
            "Scan",
            *step.initial,
            *(source for _, source, _, _ in read),
            body=step.head.body([*step.inputs, *(inside for inside, _, _, _ in read)], results),
            num_scan_inputs=len(read),
            scan_input_axes=[axis for _, _, axis, _ in read],
            scan_input_directions=[way for _, _, _, way in read],
            scan_output_axes=[axes[place - count] for place in step.sliced],
            scan_output_directions=[1 - ways[place - count] for place in step.sliced],
            outputs=len(results),
        )
    )


class _Step:
    """One iteration backwards: a body whose state are the cotangents of the state and, of what is read from outside,
    the sums so far.

    Attributes:
        head: the tape of the body; what it needs of the forward pass is written here.
        walk: a tape inside it that holds the pullback of the forward body.
        active: the values of the forward body that have a derivative.
        initial: the state before the last iteration.
        inputs: the inputs of the body that take it.
        sliced: the inputs of the node of which each iteration gives a slice of the cotangent, as `pull` found.
    """

    def __init__(self, tape: Tape, node: ir.Node, flow: Flow, cotangents: Values) -> None:
        self._tape, self._node, self._flow = tape, node, flow
        _name_outputs(tape, node, flow)
        self.active = active_inside(node, flow, tape.wanted, tape.rules)
        self.head = tape.inner()
        self.walk = self.head.inner(self.active)
        self._varying = varying(flow.body)
        self._symbols = symbols(node)
        self._outside = captured(node)
        self._seeds: dict[ir.Value, ir.Value] = {}
        self._summed: list[ir.Value] = []
        self.sliced: list[int] = []
        self.initial: list[ir.Value] = []
        self.inputs: list[ir.Value] = []
        self._carried = [
            place
            for place, (_, inside) in enumerate(flow.carried)
            if inside in self.active and place not in remembered(node).values()
        ]
        for place in self._carried:
            g = cotangents[place]
            self.initial.append(zeros_like(tape, node.outputs[place]) if g is None else g)
            self.inputs.append(tape.like(flow.carried[place][0], "cotangent"))
            self.seed(flow.carried[place][0], self.inputs[-1])

    def seed(self, output: ir.Value, g: ir.Value) -> None:
        """`g` is (part of) the cotangent of this output of the forward body."""
        before = self._seeds.get(output)
        self._seeds[output] = g if before is None else add(self.walk, before, g)

    def pull(self, sliced: Sequence[int]) -> list[ir.Value]:
        """The outputs of the body: the state's cotangents, the sums, the slices of those inputs of the node."""
        walk, tape = self.walk, self._tape
        state = [self._flow.carried[place][1] for place in self._carried]
        slices = {place: self._flow.entries[place][1] for place in sliced}
        outside = [value for value in self._outside if tape.wants(value)]
        found = pull_back(walk, list(self._flow.body), self._seeds, [*state, *slices.values(), *outside])
        results = [found[value] if value in found else zeros_like(walk, value) for value in state]
        self._summed = [value for value in outside if value in found]
        for value in self._summed:
            # (half precision would lose small terms)
            start = zeros_like(tape, value)
            self.initial.append(start if is_sequence(start) else tape.widened(start))
            self.inputs.append(tape.like(self.initial[-1], "sum"))
            self.inputs[-1].shape = value.shape
            g = found[value]
            results.append(add(walk, self.inputs[-1], g if is_sequence(g) else walk.widened(g)))
        self.sliced = [place for place, inside in slices.items() if inside in found]
        return results + [found[slices[place]] for place in self.sliced]

    def again(self, value: ir.Value) -> bool:
        """Whether the pullback computes `value` again: it is the same every time, or no stack of it can be made."""
        producer = value.producer()
        if producer is not None and producer.op_type in DRAWN:
            return False
        return value not in self._varying or not settled(value, self._symbols)

    def by_operand(self, outputs: Sequence[ir.Value]) -> Values:
        """The outputs of the node that iterates the body, one for each operand of the forward node."""
        node = self._node
        first = len(node.inputs) - len(self._flow.entries)
        places = [
            *(first + place for place in self._carried),
            *(len(node.inputs) + self._outside.index(value) for value in self._summed),
            *(first + place for place in self.sliced),
        ]
        found = dict(zip(places, outputs, strict=True))
        return [found.get(place) for place in range(len(node.inputs) + len(self._outside))]


def _name_outputs(tape: Tape, node: ir.Node, flow: Flow) -> None:
    """Let `node` have all the outputs that its body has: it may leave out those that nobody reads."""
    missing = len(flow.body.outputs) - (1 if node.op_type == "Loop" else 0)
    node.resize_outputs(max(missing, len(node.outputs)))
    for output in node.outputs:
        output.name = output.name or tape.name("unread")


def _stacked(tape: Tape, node: ir.Node, body: ir.Graph, value: ir.Value) -> ir.Value:
    """A further output of `node` with `value` of every iteration, stacked."""
    inside = tape.inner()
    handed = inside.Identity(value)
    handed.shape = value.shape
    body.extend(inside.nodes)
    body.outputs.append(handed)
    stack = _more_outputs(tape, node, value)
    known = dims(value)
    stack.shape = None if known is None else ir.Shape([None, *known])
    return stack


def _more_outputs(tape: Tape, node: ir.Node, value: ir.Value) -> ir.Value:
    """One more output of `node`, of the type of `value`."""
    node.resize_outputs(len(node.outputs) + 1)
    node.outputs[-1].name, node.outputs[-1].type = tape.name("kept"), value.type
    return node.outputs[-1]


def _seeds(tape: Tape, pairs: Iterable[tuple[ir.Value, Operand]]) -> dict[ir.Value, ir.Value]:
    found: dict[ir.Value, ir.Value] = {}
    for output, g in pairs:
        if g is not None:
            found[output] = add(tape, found[output], g) if output in found else g
    return found


def _listed(node: ir.Node, attribute: str, length: int) -> list[int]:
    return list(node.attributes.get_ints(attribute, [0] * length))


RULES: dict[str, Pullback] = {
    "If": if_,
    "Loop": loop,
    "Scan": scan,
}

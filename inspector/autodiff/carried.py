"""Shapes inside the bodies of `Loop` and `Scan`.

Inference of the standard tells nothing of a loop's state, whose shape may change from one iteration to the next,
and so of hardly anything in the body. Here the state is first taken to keep the shape that it has before the
loop, and what the body makes of it corrects that until both agree (a least fixed point: Cousot & Cousot, Abstract
Interpretation, POPL 1977).
"""

from __future__ import annotations

from collections.abc import Iterator

import onnx_ir as ir

from inspector.autodiff.bodies import flows
from inspector.autodiff.broadcasting import dims
from inspector.model.inference import infer
from inspector.model.scopes import bodies

__all__ = ["infer_bodies"]

_ROUNDS = 20
"""Each round forgets at least one length or one rank; a state that is not settled by then is taken as unknown."""


def infer_bodies(model: ir.Model) -> None:
    """Fill in, in place, the shapes in the bodies of control-flow nodes and those of the results of loops."""
    nodes = [node for node in model.graph.all_nodes() if flows(node)]
    if not nodes:
        return
    inferred = [value for node in nodes for value in _results(node)]
    declared = {value: _without_symbols(value) for value in inferred}
    state: dict[ir.Value, ir.Shape | None] = {}
    for _ in range(_ROUNDS):
        for value, shape in declared.items():
            value.shape = shape
        for node in nodes:
            _enter(node, state)
        infer(model)
        if not _widen(nodes, state):
            return
    state.update(dict.fromkeys(state))
    for node in nodes:
        _enter(node, state)


def _enter(node: ir.Node, state: dict[ir.Value, ir.Shape | None]) -> None:
    """Give the inputs of a body, and what leaves a loop, the shapes that they have as far as is known by now."""
    for flow in flows(node):
        carried = {inside: output for output, inside in flow.carried}
        results = dict(flow.results)
        for place, (given, inside) in enumerate(flow.entries):
            if given is None:
                continue
            inside.type = inside.type or given.type
            if inside in carried:
                inside.shape = state.setdefault(
                    inside, given.shape if given.shape else _without_symbols(inside)
                )
                final = results.get(carried[inside])
                if node.op_type == "Loop" and final is not None:
                    final.shape = inside.shape
            elif given.shape is not None:
                inside.shape = _slice(node, given.shape, place - len(flow.carried))
        if node.op_type == "Loop":
            for counter in flow.body.inputs[:2]:
                counter.shape = counter.shape or ir.Shape([])
            for output, result in flow.results[len(flow.carried) :]:
                known = dims(output)
                result.shape = None if known is None else ir.Shape([None, *known])


def _slice(node: ir.Node, shape: ir.Shape, place: int) -> ir.Shape:
    axes = node.attributes.get_ints("scan_input_axes")
    axis = axes[place] % len(shape) if axes else 0
    return ir.Shape([dim for number, dim in enumerate(shape) if number != axis])


def _widen(nodes: list[ir.Node], state: dict[ir.Value, ir.Shape | None]) -> bool:
    """Forget of each state what does not hold in every iteration; whether there was anything.

    (The state of a `Scan` has one shape, by definition.)
    """
    changed = False
    for node in nodes:
        if node.op_type == "Scan":
            continue
        for flow in flows(node):
            given = {inside: value for value, inside in flow.entries}
            for output, inside in flow.carried:
                first = given[inside]
                if first is None:
                    continue
                common = _common(_common(state[inside], output.shape), first.shape)
                if common != state[inside]:
                    state[inside], changed = common, True
    return changed


def _common(a: ir.Shape | None, b: ir.Shape | None) -> ir.Shape | None:
    """What both shapes say."""
    if a is None or b is None or len(a) != len(b):
        return None
    return ir.Shape([x if x == y and _says(x) else None for x, y in zip(a, b, strict=True)])


def _says(dim: int | ir.SymbolicDim) -> bool:
    return isinstance(dim, int) or dim.value is not None


def _without_symbols(value: ir.Value) -> ir.Shape | None:
    """The shape that the file gives: a symbol in a body need not mean the same in every iteration."""
    if value.shape is None:
        return None
    return ir.Shape([dim if isinstance(dim, int) else None for dim in value.shape])


def _results(node: ir.Node) -> Iterator[ir.Value]:
    """What is computed in the bodies of `node`, and what leaves it."""
    yield from node.outputs
    for body in bodies(node):
        for inner in body:
            yield from inner.outputs

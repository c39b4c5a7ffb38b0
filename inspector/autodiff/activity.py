"""Which tensors a derivative can travel through."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import onnx_ir as ir

from inspector.autodiff.bodies import Flow, captured, flows
from inspector.autodiff.nondifferentiable import ZERO_DERIVATIVE
from inspector.surgery import reads

if TYPE_CHECKING:
    from inspector.autodiff.table import RuleTable

__all__ = ["active_inside", "active_values", "carries", "nodes_between", "nodes_lacking", "path_through"]


def active_values(nodes: Iterable[ir.Node], sources: Iterable[ir.Value], rules: RuleTable) -> set[ir.Value]:
    """The tensors with a derivative with respect to one of `sources`.

    Operators that are constant almost everywhere cut the way, and so do integer and boolean results of
    operators with a rule (a Cast, the indices of a TopK). What an operator without a rule writes stays
    active whatever its dtype, so that it is refused rather than silently taken for a constant.
    """
    active = set(sources)
    for node in nodes:
        if carries(node, active, rules):
            active.update(_active_outputs(node, active, rules))
    return active


def active_inside(node: ir.Node, flow: Flow, active: Collection[ir.Value], rules: RuleTable) -> set[ir.Value]:
    """The tensors in the body of `flow` with a derivative, given those outside; also by way of earlier iterations."""
    sources = {value for value in captured(node) if value in active}
    sources |= {inside for given, inside in flow.entries if given in active and _may_vary(inside)}
    nodes = list(flow.body)
    while True:
        found = active_values(nodes, sources, rules)
        returned = {again for output, again in flow.carried if output in found}
        if returned <= sources:
            return found
        sources |= returned


def _active_outputs(node: ir.Node, active: Collection[ir.Value], rules: RuleTable) -> Iterator[ir.Value]:
    lacks = rules.lacks(node)
    ways = [] if lacks else flows(node)
    for flow in ways:
        inside = active_inside(node, flow, active, rules)
        # where the body does not run at all, what goes in comes out
        unchanged = {output for output, again in flow.carried if again in inside}
        yield from (result for output, result in flow.results if output in inside or output in unchanged)
    if not ways:
        yield from (output for output in node.outputs if lacks or _may_vary(output))


def carries(node: ir.Node, active: Collection[ir.Value], rules: RuleTable) -> bool:
    """Whether a derivative can travel through `node` to an active tensor that it reads.

    A rule given for an operator that is constant almost everywhere (a straight-through estimate, say) counts.
    """
    cut = rules.lacks(node) and (node.domain, node.op_type) in ZERO_DERIVATIVE
    return not cut and any(value in active for value in reads(node))


def nodes_between(
    nodes: Sequence[ir.Node], sources: Iterable[ir.Value], targets: Iterable[ir.Value], rules: RuleTable
) -> list[ir.Node]:
    """The nodes on a differentiable way from one of `sources` to one of `targets`, in order."""
    active = active_values(nodes, sources, rules)
    needed = active.intersection(targets)
    between: list[ir.Node] = []
    for node in reversed(nodes):
        if carries(node, active, rules) and not needed.isdisjoint(node.outputs):
            between.append(node)
            needed |= active.intersection(reads(node))
    return between[::-1]


def nodes_lacking(
    nodes: Sequence[ir.Node], sources: Iterable[ir.Value], rules: RuleTable
) -> Iterator[ir.Node]:
    """Those of `nodes`, and of the nodes in their bodies, that a derivative meets and that have no rule."""
    active = active_values(nodes, sources, rules)
    for node in nodes:
        if not carries(node, active, rules):
            continue
        if rules.lacks(node):
            yield node
            continue
        for flow in flows(node):
            yield from nodes_lacking(list(flow.body), active_inside(node, flow, active, rules), rules)


def path_through(
    node: ir.Node,
    nodes: Sequence[ir.Node],
    active: Collection[ir.Value],
    ends: Collection[Iterable[ir.Value]],
) -> list[str]:
    """The names of the tensors along a shortest way through `node`, from the first of `ends` to the second.

    The way leads through `active` tensors only: not through a shape that is read on the side.
    """
    sources, targets = (set(end) for end in ends)
    consumers: dict[ir.Value, list[ir.Node]] = {}
    for each in nodes:
        for value in reads(each):
            consumers.setdefault(value, []).append(each)

    def before(value: ir.Value) -> list[ir.Value]:
        producer = value.producer()
        return [] if producer is None else _among(active, reads(producer))

    def after(value: ir.Value) -> list[ir.Value]:
        return _among(
            active, (output for consumer in consumers.get(value, []) for output in consumer.outputs)
        )

    head = _shortest(_among(active, reads(node)), before, sources)
    tail = _shortest(node.outputs, after, targets)
    return [value.name or "?" for value in [*head[::-1], *tail]]


def _among(active: Collection[ir.Value], values: Iterable[ir.Value]) -> list[ir.Value]:
    return [value for value in values if value in active]


def _may_vary(value: ir.Value) -> bool:
    return value.dtype is None or value.dtype.is_floating_point()


def _shortest(
    starts: Iterable[ir.Value], step: Callable[[ir.Value], list[ir.Value]], goals: set[ir.Value]
) -> list[ir.Value]:
    """Breadth first from `starts` to the nearest of `goals`; empty where none is reached."""
    came_from: dict[ir.Value, ir.Value | None] = dict.fromkeys(starts)
    queue = list(came_from)
    for value in queue:
        if value in goals:
            way: list[ir.Value] = []
            current: ir.Value | None = value
            while current is not None:
                way.append(current)
                current = came_from[current]
            return way[::-1]
        for following in step(value):
            if following not in came_from:
                came_from[following] = value
                queue.append(following)
    return []

"""The walk backwards through a list of nodes: the main graph's, or those of the body of a control-flow node."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence

import onnx_ir as ir

from inspector.autodiff import sequences
from inspector.autodiff.activity import carries, path_through
from inspector.autodiff.bodies import operands
from inspector.autodiff.broadcasting import BROADCASTING, dims, unbroadcast
from inspector.autodiff.foreign import why_unknown
from inspector.autodiff.nondifferentiable import REFUSED
from inspector.autodiff.tape import Tape
from inspector.errors import NotDifferentiable

__all__ = ["Blocked", "pull_back"]


class Blocked(Exception):
    """An operator without a derivative stands in the way; each walk that it passes adds its part of the path."""

    def __init__(self, node: ir.Node, reason: str, path: Sequence[str]) -> None:
        super().__init__()
        self.node = node
        self.reason = reason
        self.path = tuple(path)
        self.inside = ""

    def through(self, node: ir.Node, path: Sequence[str]) -> Blocked:
        """The same, seen from outside `node`, in whose body it was met; `path` leads through that node."""
        names = [*(value.name for value in operands(node) if value is not None)]
        before = [name for name in path if name in names]
        cut = path.index(before[-1]) + 1 if before else 0
        self.path = (*path[:cut], *(name for name in self.path if name not in path), *path[cut:])
        self.inside += f" in the body of {node.op_type} {node.name!r}"
        return self

    def told(self) -> NotDifferentiable:
        """The error that a user reads."""
        node = self.node
        operator = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
        return NotDifferentiable(
            f"no derivative for operator {operator} (node {node.name!r}{self.inside}): {self.reason}. It lies on the "
            f"path {' -> '.join(self.path)}. Choose a layer after it, or give a rule: "
            f"RULES.override({node.op_type}=...)"
        )


def pull_back(
    tape: Tape, nodes: Sequence[ir.Node], seeds: Mapping[ir.Value, ir.Value], sources: Iterable[ir.Value]
) -> dict[ir.Value, ir.Value]:
    """Walk `nodes` backwards from the cotangents `seeds`; the total cotangent of each tensor reached.

    Only what `tape.wanted` holds is followed: the tensors that depend on one of `sources`.

    Raises:
        Blocked: an operator without a rule lies between.
    """
    arrived = {target: [seed] for target, seed in seeds.items()}
    totals: dict[ir.Value, ir.Value] = {}
    add = functools.partial(sequences.add, tape)

    def total(value: ir.Value) -> ir.Value | None:
        if value in arrived:
            totals[value] = functools.reduce(add, arrived.pop(value))
        return totals.get(value)

    def blocked_path(node: ir.Node) -> list[str]:
        return path_through(node, nodes, tape.wanted, (sources, seeds))

    for node in reversed(nodes):
        cotangents = [total(output) for output in node.outputs]
        if all(cotangent is None for cotangent in cotangents) or not carries(node, tape.wanted, tape.rules):
            continue
        if tape.rules.lacks(node):
            reason = REFUSED.get((node.domain, node.op_type)) or why_unknown(node.domain, node.op_type)
            raise Blocked(node, reason, blocked_path(node))
        taken = operands(node)
        try:
            pulled = tape.rules[node.domain, node.op_type](tape, node, cotangents)
        except Blocked as blocked:
            if blocked.node is node:
                raise Blocked(node, blocked.reason, blocked_path(node)) from None
            raise blocked.through(node, blocked_path(node)) from None
        if len(pulled) != len(taken):
            raise TypeError(
                f"the rule of {node.op_type} gave {len(pulled)} cotangents for {len(taken)} inputs"
            )
        for value, g in zip(taken, pulled, strict=True):
            if value is not None and g is not None and tape.wants(value):
                arrived.setdefault(value, []).append(_conform(tape, node, value, g))
    for source in sources:
        total(source)
    return totals


def _conform(tape: Tape, node: ir.Node, value: ir.Value, g: ir.Value) -> ir.Value:
    """`g` with the shape and dtype of `value`, whose cotangent it is."""
    if isinstance(g.type, ir.SequenceType):
        return g
    repeated = node.domain == "" and node.op_type in BROADCASTING
    summed = unbroadcast(tape, g, dims(node.outputs[0]), value) if repeated else g
    result = tape.cast(summed, value.dtype)
    if result.shape is None:
        result.shape = value.shape
    return result

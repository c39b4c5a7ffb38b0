"""Operators that stand for a piece of graph, put in their place before anything is differentiated."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import TypeAlias

import onnx_ir as ir

from inspector.autodiff import recurrent
from inspector.autodiff.sequence_map import sequence_map
from inspector.autodiff.tape import Tape, Values
from inspector.surgery import register_constants

__all__ = ["DECOMPOSITIONS", "Decomposition", "decompose"]

Decomposition: TypeAlias = Callable[[Tape, ir.Node], Values]
"""`decomposition(tape, node)`: what stands for the outputs of `node`, written on the tape."""

DECOMPOSITIONS = MappingProxyType(
    {
        ("", "GRU"): recurrent.gru,
        ("", "LSTM"): recurrent.lstm,
        ("", "RNN"): recurrent.rnn,
        ("", "SequenceMap"): sequence_map,
    }
)


def decompose(tape: Tape, root: ir.Graph, nodes: Iterable[ir.Node]) -> list[ir.Node]:
    """Replace in place each of `nodes`, of the graph `root` or of a body in it, that has a decomposition; the others.

    The results keep their names, but are other `ir.Value`s.
    """
    others: list[ir.Node] = []
    for node in nodes:
        if (node.domain, node.op_type) in DECOMPOSITIONS:
            _replace(tape.inner(), root, node)
        else:
            others.append(node)
    return others


def _replace(tape: Tape, root: ir.Graph, node: ir.Node) -> None:
    results = DECOMPOSITIONS[node.domain, node.op_type](tape, node)
    pairs = [
        (old, new) for old, new in zip(node.outputs, results, strict=True) if old.name and new is not None
    ]
    register_constants(root, tape.nodes)
    for old, new in pairs:
        new.name, new.shape = old.name, old.shape
    graph = node.graph
    assert graph is not None
    ir.convenience.replace_nodes_and_values(
        graph, node, [node], tape.nodes, [old for old, _ in pairs], [new for _, new in pairs]
    )

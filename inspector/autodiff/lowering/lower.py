"""One pass over a graph that puts standard operators in the place of quantised and fused ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx_ir as ir

from inspector.autodiff.lowering.inference import infer_results
from inspector.autodiff.lowering.quantised import on_integers
from inspector.autodiff.lowering.scope import Scope
from inspector.autodiff.lowering.table import FUSED, QUANTISED
from inspector.autodiff.tape import Operand
from inspector.model.scopes import bodies
from inspector.surgery import copy, infer_types, register_constants

__all__ = ["Lowered", "lower"]


@dataclass(frozen=True)
class Lowered:
    """A model as the gradient rules can read it.

    Attributes:
        model: every tensor under its own name; those that held quantised integers hold the real numbers that these
            stand for.
        quantised: whether rounding was dropped: the model computes nearly, not exactly, what the file does.
        replaced: operators that were replaced, in alphabetical order.
    """

    model: ir.Model
    quantised: bool = False
    replaced: tuple[str, ...] = ()


def lower(model: ir.Model) -> Lowered:
    """Replace what `QUANTISED` and `FUSED` know; other operators stay, also those of unknown domains.

    A fused operator becomes what it is made of, exactly. A quantised one becomes its float meaning: rounding is
    dropped, and saturation kept as a Clip at the range of the integer type. The gradient of the result is the
    straight-through gradient of the file (Bengio et al., Estimating or Propagating Gradients Through Stochastic
    Neurons, 2013; Jacob et al., Quantization and Training of Neural Networks, 2018, section 3).

    Args:
        model: of opset 18 or newer. It is not changed; where there is nothing to replace, it is what is returned.

    Raises:
        ModelError: a rank is unknown that a lowering needs.
    """
    if not any(_known(node) for node in model.graph.all_nodes()):
        return Lowered(model)
    model = copy(model)
    model.graph.sort()
    walk = _Walk(model.graph)
    walk.over(model.graph)
    used = {node.domain for node in model.graph.all_nodes()} | {""}
    for domain in set(model.graph.opset_imports) - used:
        del model.graph.opset_imports[domain]
    return Lowered(infer_types(model), walk.quantised, tuple(sorted(walk.replaced)))


def _known(node: ir.Node) -> bool:
    key = (node.domain, node.op_type)
    return key in QUANTISED or key in FUSED


class _Walk:
    """The pass under way."""

    def __init__(self, root: ir.Graph) -> None:
        self.root = root
        self.scope = Scope(root)
        self.quantised = False
        self.replaced: set[str] = set()
        self.named: set[ir.Value] = set()

    def over(self, graph: ir.Graph) -> None:
        """Replace the nodes of `graph`, in order."""
        for node in list(graph):
            for body in bodies(node):
                self.over(body)
            start = len(self.scope.nodes)
            self.scope.reported = _reported(node)
            results = self._lowered(node)
            if results is None:
                # sizes that were read before the lowering gave up may be read again
                self._insert(graph, node, self.scope.nodes[start:])
                infer_results(node, self.scope.opsets)
                continue
            self._replace(graph, node, results, start)

    def _lowered(self, node: ir.Node) -> Sequence[Operand] | None:
        key = (node.domain, node.op_type)
        for table in (QUANTISED, FUSED):
            if key in table:
                results = table[key](self.scope, node)
                if results is not None:
                    self.replaced.add(".".join(filter(None, key)))
                    self.quantised |= table is QUANTISED and node.op_type not in _WEIGHTS_ONLY
                    return results
        return None if node.domain else on_integers(self.scope, node)

    def _replace(self, graph: ir.Graph, node: ir.Node, results: Sequence[Operand], start: int) -> None:
        finals = [
            self._named(old, new, start) if new is not None and old.name else None
            for old, new in zip(node.outputs, results, strict=True)
        ]
        self._insert(graph, node, self.scope.nodes[start:])
        for old, new in zip(node.outputs, finals, strict=True):
            if new is not None:
                ir.convenience.replace_all_uses_with(old, new, replace_graph_outputs=True)
        graph.remove(node, safe=True)

    def _insert(self, graph: ir.Graph, node: ir.Node, emitted: Sequence[ir.Node]) -> None:
        register_constants(self.root, emitted)
        graph.insert_before(node, emitted)

    def _named(self, old: ir.Value, new: ir.Value, start: int) -> ir.Value:
        """`new` under the name of `old`, whose place it takes."""
        fresh = new.producer() in self.scope.nodes[start:] and new not in self.named
        if not fresh:
            new = self.scope.Identity(new)
        if old.shape is not None:
            new.shape = old.shape
        self.named.add(new)
        new.name, old.name = old.name, None
        return new


_WEIGHTS_ONLY = frozenset(
    ["DequantizeLinear", "GatherBlockQuantized", "MatMulBnb4", "QEmbedLayerNormalization"]
)
"""What reads integers and rounds nothing itself: alone they compute exactly what the file does."""

_REPORTING = frozenset(
    [
        *("Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"),
        *("DequantizeLinear", "LogSoftmax", "QuantizeLinear", "Sigmoid", "Softmax"),
    ]
)


def _reported(node: ir.Node) -> bool:
    """Whether the results of `node` go to outputs of the model, at most moved, or turned into probabilities."""
    pending = list(node.outputs)
    for value in pending:
        for use in value.uses():
            if use.node.op_type.removeprefix("QLinear") not in _REPORTING:
                return False
            pending.extend(use.node.outputs)
    return True

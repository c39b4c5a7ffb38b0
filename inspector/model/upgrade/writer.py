"""New nodes in front of an old one."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import ArrayLike

from inspector.model.scopes import free_prefix

__all__ = ["Writer"]

Operand = ir.Value | None


class Writer:
    """Writes nodes before a given one, under names that the model does not have yet."""

    def __init__(self, graph: ir.Graph) -> None:
        prefix = free_prefix(graph, "upgrade")
        self._names = (f"{prefix}{number}" for number in itertools.count())

    def op(
        self,
        before: ir.Node,
        op_type: str,
        inputs: Sequence[Operand],
        attributes: Mapping[str, Any] | None = None,
        outputs: int = 1,
    ) -> ir.Value:
        """The first result of a new node in front of `before`."""
        node = ir.node(op_type, inputs, attributes, num_outputs=outputs)
        node.name = f"{next(self._names)}/{op_type}"
        for place, output in enumerate(node.outputs):
            output.name = node.name if place == 0 else f"{node.name}/{place}"
        graph = before.graph
        assert graph is not None
        graph.insert_before(before, node)
        return node.outputs[0]

    def constant(self, before: ir.Node, value: ArrayLike, dtype: ir.DataType | None = None) -> ir.Value:
        """A constant in front of `before`: of `dtype`, else int64."""
        kind = dtype or ir.DataType.INT64
        tensor = ir.tensor(np.asarray(value, dtype=kind.numpy()), dtype=kind)
        result = self.op(before, "Constant", [], {"value": tensor})
        result.const_value, result.type = tensor, ir.TensorType(kind)
        result.shape = ir.Shape(np.shape(value))
        return result

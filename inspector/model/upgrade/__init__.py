"""Operators of older opsets written as those of a newer one, node by node.

`onnx.version_converter` takes whole models: it throws where it meets an operator, a domain or a body that it has no
adapter for, renames tensors, carries all weights through a message, and gets Upsample, Resize-10, Hardmax and Dropout's
mask wrong.
Here a node whose form has not changed is not touched, and every tensor keeps its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir

    from inspector.model.upgrade.adapters import Step

__all__ = ["OLDEST", "upgrade"]

# ONNX before it had broadcasting as it is known since: onnxruntime itself warrants nothing older
OLDEST = 7


def upgrade(model: ir.Model, target: int) -> None:
    """Bring every node of the standard, those in the bodies of If, Loop and Scan too, to opset `target`, in place.

    A node of another opset than its graph's says so by its `version`.

    Raises:
        ModelError: an operator has no equivalent there; names it and its node.
    """
    from inspector.model.upgrade.adapters import ADAPTERS
    from inspector.model.upgrade.writer import Writer

    opset = model.graph.opset_imports.get("", target)
    writer = Writer(model.graph)
    for node in list(model.graph.all_nodes()):
        version = opset if node.version is None else node.version
        node.version = None
        if node.domain:
            continue
        # one step may turn the node into another operator, which then has steps of its own
        while step := _next(ADAPTERS.get(node.op_type, ()), version, target):
            version, adapt = step
            adapt(node, writer)
    for graph in (model.graph, *model.graph.subgraphs()):
        if graph.opset_imports:
            graph.opset_imports[""] = target


def _next(steps: Sequence[Step], version: int, target: int) -> Step | None:
    return next((step for step in steps if version < step[0] <= target), None)

"""Outputs that name the score of each class: what scikit-learn's converters put behind a classifier (ZipMap)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inspector.model import Model

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["mapped_scores"]


def mapped_scores(model: Model, output: str) -> tuple[ir.Value, tuple[str, ...]] | None:
    """The tensor of scores that an output is a map of, and the names of its columns; None for other outputs.

    Numbers that only count the columns are no names.
    """
    node = next((v.producer() for v in model.graph.graph.outputs if v.name == output), None)
    if node is None or (node.domain, node.op_type) != ("ai.onnx.ml", "ZipMap") or node.inputs[0] is None:
        return None
    numbers = list(node.attributes.get_ints("classlabels_int64s", []))
    names = node.attributes.get_strings("classlabels_strings", []) or map(str, numbers)
    counted = numbers == list(range(len(numbers)))
    return node.inputs[0], () if numbers and counted else tuple(names)

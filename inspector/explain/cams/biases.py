"""The constants that a network adds on the way from its input to a score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inspector.objectives import Evaluator

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["biases_between"]

# operator: the place of its bias among its inputs, and whether it lies along axis 1
ADDED = {
    "Conv": (2, True),
    "ConvTranspose": (2, True),
    "InstanceNormalization": (2, True),
    "GroupNormalization": (2, True),
    "LayerNormalization": (2, False),
    "Gemm": (2, False),
}


def biases_between(evaluator: Evaluator, source: str, targets: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Tensors by name, and what is added to make each: an array that broadcasts with the tensor.

    Of the graph that is differentiated: biases of convolutions, linear and normalisation layers, constants that Add and
    Sub take, and the implicit bias of batch normalisation, shift - mean * scale / sqrt(variance + epsilon). Constants
    that are computed are left out.

    Args:
        evaluator: of the model.
        source: the tensor that the way begins at.
        targets: the tensors that it leads to.
    """
    from inspector.surgery.lookup import ancestors, find_value

    graph = evaluator.lowered.model.graph
    first = find_value(graph, source)
    leading = ancestors([find_value(graph, name) for name in targets], stop=[first])
    touched = {first}
    found: dict[str, NDArray[Any]] = {}
    for node in graph:
        if not touched.intersection(node.inputs) or not leading.intersection(node.outputs):
            continue
        touched.update(node.outputs)
        bias = _bias(node) if not node.domain else None
        if bias is not None and bias.any():
            found[str(node.outputs[0].name)] = bias
    return found


def _bias(node: ir.Node) -> NDArray[Any] | None:
    if node.op_type in ADDED:
        place, along_channels = ADDED[node.op_type]
        bias = _constant(node, place)
        if bias is None:
            return None
        if node.op_type == "Gemm":
            bias = bias * np.asarray(node.attributes.get_float("beta", 1.0), dtype=bias.dtype)
        return _along_channels(bias, node) if along_channels else bias
    if node.op_type == "BatchNormalization":
        scale, shift, mean, variance = (_constant(node, place) for place in range(1, 5))
        if scale is None or shift is None or mean is None or variance is None:
            return None
        epsilon = node.attributes.get_float("epsilon", 1e-5)
        deviation = np.sqrt(variance.astype(np.float64) + epsilon)
        return _along_channels((shift - mean * scale / deviation).astype(shift.dtype), node)
    if node.op_type in ("Add", "Sub"):
        left, right = _constant(node, 0), _constant(node, 1)
        if left is not None:
            return left
        return -right if right is not None and node.op_type == "Sub" else right
    return None


def _along_channels(bias: NDArray[Any], node: ir.Node) -> NDArray[Any]:
    """(C,) to (C, 1, ...), as many ones as the tensor has axes after its channels."""
    shape = node.outputs[0].shape
    rank = len(shape) if shape is not None else 4
    return bias.reshape(-1, *[1] * (rank - 2))


def _constant(node: ir.Node, place: int) -> NDArray[Any] | None:
    """The input number `place`, where it is a constant of the file."""
    import onnx_ir as ir

    value = node.inputs[place] if len(node.inputs) > place else None
    tensor = None if value is None or value.is_graph_input() else ir.convenience.get_const_tensor(value)
    return None if tensor is None else np.asarray(tensor.numpy())

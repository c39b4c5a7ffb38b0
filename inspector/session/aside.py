"""Large weights handed to onnxruntime as they lie in memory, past the message that the rest of a graph is written to.

Written into the message they are copied four times before the runtime has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir
    from numpy.typing import NDArray

    Graph: TypeAlias = onnx.ModelProto | ir.Model

__all__ = ["IN_MEMORY", "set_aside"]

IN_MEMORY = "in memory"
"""Where a message says that they are: the runtime never looks there, since it is given them by name."""

LARGE = 2**14
"""Bytes of a weight from which on it is worth it."""


def set_aside(model: Graph) -> tuple[Graph, dict[str, NDArray[Any]]]:
    """The model, to be written and not edited, with its large weights said to be `IN_MEMORY`; these by name.

    Weights that are in files stay there, and those of a message in it.
    """
    import onnx_ir as ir

    if not isinstance(model, ir.Model):
        return model, {}
    graph = model.graph
    weights = {
        name: np.ascontiguousarray(value.const_value.numpy())
        for name, value in graph.initializers.items()
        if value.const_value is not None and _is_handed(value.const_value)
    }
    if not weights:
        return model, {}
    initializers = [
        _elsewhere(name, weights[name]) if name in weights else value
        for name, value in graph.initializers.items()
    ]
    view = ir.GraphView(
        graph.inputs,
        graph.outputs,
        nodes=graph,
        initializers=initializers,
        opset_imports=graph.opset_imports,
        name=graph.name,
    )
    bare = ir.Model(
        # (which writes views as it does graphs)
        view,  # type: ignore[arg-type]
        ir_version=model.ir_version,
        functions=list(model.functions.values()),
    )
    return bare, weights


def _is_handed(tensor: ir.TensorProtocol) -> bool:
    """Whether it is large, in memory, and of the floating-point types that are NumPy's too."""
    import onnx_ir as ir

    types = (ir.DataType.FLOAT, ir.DataType.DOUBLE, ir.DataType.FLOAT16)
    return tensor.dtype in types and tensor.nbytes >= LARGE and not isinstance(tensor, ir.ExternalTensor)


def _elsewhere(name: str, array: NDArray[Any]) -> ir.Value:
    import onnx_ir as ir

    dtype, shape = ir.DataType.from_numpy(array.dtype), ir.Shape(array.shape)
    return ir.Value(
        name=name, const_value=ir.ExternalTensor(IN_MEMORY, 0, array.nbytes, dtype, shape=shape, name=name)
    )

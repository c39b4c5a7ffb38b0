"""The weights of a convolution."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import LayerNotFound
from inspector.model.layer import Layer
from inspector.model.model import Model

__all__ = ["read_kernels"]

# position of the weights among the inputs
WEIGHTS = {"Conv": 1, "ConvTranspose": 1, "FusedConv": 1, "DeformConv": 1, "ConvInteger": 1, "QLinearConv": 3}


def read_kernels(model: Model, layer: Layer) -> NDArray[Any]:
    """The kernels as the file stores them: Conv (out, in/groups, k...), ConvTranspose (in, out/groups, k...).

    An exporter may make a convolution's result pass a transpose or a bias before it gets its name: then the convolution
    right before it is meant.

    Raises:
        LayerNotFound: the layer is no convolution (those that there are are listed), or its weights are computed.
    """
    import onnx_ir as ir

    node = next(node for node in model.graph.graph if node.name == layer.node)
    while node.op_type not in WEIGHTS:
        before = (
            node.inputs[0].producer()
            if node.op_type in ("Transpose", "Identity", "Add") and node.inputs[0]
            else None
        )
        if before is None:
            convolutions = [other.name for other in model.layers if other.op_type in WEIGHTS]
            has = (
                f"convolutions: {', '.join(convolutions[:8])}"
                if convolutions
                else "the model has no convolution"
            )
            raise LayerNotFound(f"layer '{layer.name}' is {layer.op_type}, which has no kernels; {has}")
        node = before
    weights = node.inputs[WEIGHTS[node.op_type]]
    # weights may be stored quantised, or pass an Identity
    while (
        weights is not None
        and (producer := weights.producer()) is not None
        and producer.op_type == "Identity"
    ):
        weights = producer.inputs[0]
    tensor = None if weights is None else ir.convenience.get_const_tensor(weights)
    if tensor is None:
        raise LayerNotFound(
            f"the kernels of layer '{layer.name}' are computed as the model runs, not stored in the file"
        )
    if tensor.dtype == ir.DataType.STRING:
        raise LayerNotFound(
            f"the kernels of layer '{layer.name}' are strings, not numbers: the file is broken"
        )
    return np.array(tensor.numpy())

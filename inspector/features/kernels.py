"""The weights of one layer, whatever kind it is, as they act: de-quantised, and computed where they are computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import LayerNotFound
from inspector.model import Layer
from inspector.objectives import Evaluator

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["read_kernels"]

# position of the weights among the inputs
CONVOLUTIONS = {"Conv": 1, "ConvTranspose": 1, "FusedConv": 1, "DeformConv": 1}
PRODUCTS = frozenset(("FusedGemm", "FusedMatMul", "Gemm", "MatMul"))
# what an exporter puts between a layer's work and the tensor that bears its name: a bias, a transposition
AFTER = frozenset(("Add", "Cast", "Identity", "Transpose"))
# and what a quantised operator is made of besides
ROUNDED = AFTER | {"Clip", "Div", "Max", "Min", "Mul", "Round", "Sub"}
# what only changes the units of a tensor
UNITS = {"DequantizeLinear", "DynamicQuantizeLinear", "QuantizeLinear"}
NAMED = 8


def read_kernels(evaluator: Evaluator, layer: Layer) -> NDArray[Any]:
    """The weights of a layer, one kernel per output along the first axis.

    - Conv: (out, in/groups, k...), with any number of spatial axes; of a depthwise one (channels, 1, k...).
    - ConvTranspose: (in, out/groups, k...), as it stores them.
    - Gemm, MatMul: (out, in): a row for each output. A stack of matrices keeps its first axes.

    Quantised weights are de-quantised; weights that the file computes from constants alone (a transposition, a
    normalisation) are computed. A convolution's result may pass a transposition or a bias before it gets its name.

    Raises:
        LayerNotFound: the layer has no weights, or they depend on the input; lists layers that have kernels.
    """
    model = evaluator.model.graph
    found = _worker(model, layer.name, AFTER)
    if found is None and layer.op_type in set(evaluator.lowered.replaced) - UNITS:
        # of fused and quantised operators, by standard ones; tensors keep their names
        model = evaluator.lowered.model
        found = _worker(model, layer.name, ROUNDED)
    if found is None:
        named = [
            other.name
            for other in evaluator.model.layers
            if other.reason is None and (other.op_type in CONVOLUTIONS or other.op_type in PRODUCTS)
        ]
        has = f"layers with kernels: {', '.join(named[:NAMED])}" if named else "no layer of the model has"
        raise LayerNotFound(f"layer '{layer.name}' is {layer.op_type}, which has no kernels; {has}")
    node, place = found
    weights = _constant(evaluator, model, node.inputs[place])
    if weights is None:
        raise LayerNotFound(
            f"the kernels of layer '{layer.name}' are computed as the model runs, not stored in the file"
        )
    # (bfloat16 and numbers of 4 bits are of no kind that NumPy knows)
    if weights.dtype.kind in "OSU":
        raise LayerNotFound(
            f"the kernels of layer '{layer.name}' are strings, not numbers: the file is broken"
        )
    rows = node.op_type in CONVOLUTIONS or _holds_rows(node, place)
    return weights if rows else np.ascontiguousarray(np.swapaxes(weights, -1, -2))


def _worker(model: ir.Model, tensor: str, after: frozenset[str]) -> tuple[ir.Node, int] | None:
    """The node that makes `tensor` with weights, and which of its inputs they are; None where there is none."""
    value = next((one for node in model.graph for one in node.outputs if one.name == tensor), None)
    while value is not None and (node := value.producer()) is not None:
        if node.op_type in CONVOLUTIONS:
            return node, CONVOLUTIONS[node.op_type]
        moving = [number for number, one in enumerate(node.inputs) if one is not None and _moves(one)]
        if node.op_type in PRODUCTS:
            return node, 1 if moving != [1] else 0
        # of a sum with another feature map neither part is meant
        value = node.inputs[moving[0]] if node.op_type in after and len(moving) == 1 else None
    return None


def _holds_rows(node: ir.Node, place: int) -> bool:
    """Whether the last axis of a product's weights runs over what they are multiplied with."""
    turned = node.attributes.get_int("transB" if place == 1 else "transA", 0)
    return bool(turned) == (place == 1)


def _constant(evaluator: Evaluator, model: ir.Model, value: ir.Value | None) -> NDArray[Any] | None:
    """A tensor that no input of the model has a part in; None for any other."""
    import onnx_ir as ir

    from inspector.surgery import extract

    if value is None or _moves(value):
        return None
    tensor = ir.convenience.get_const_tensor(value)
    if tensor is not None:
        return np.array(tensor.numpy())
    name = str(value.name)
    return evaluator.session(extract(model, [], [name])).run({})[name]


def _moves(value: ir.Value) -> bool:
    """Whether a tensor depends on an input of the model."""
    seen, left = {value}, [value]
    while left:
        one = left.pop()
        producer = one.producer()
        if producer is None:
            if one.is_graph_input() and not one.is_initializer():
                return True
            continue
        new = [each for each in producer.inputs if each is not None and each not in seen]
        seen.update(new)
        left += new
    return False

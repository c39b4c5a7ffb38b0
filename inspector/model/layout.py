"""Which tensors are feature maps, and where their channel axis is.

Sound rather than complete: convolution and pooling say by definition that their tensors are channel-first;
element-wise operators hand that on, `Transpose` permutes it, and whatever mixes or folds axes (Reshape, MatMul, ...)
ends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["channel_axis", "infer_layouts", "spatial_axes"]

FIRST = {3: "NCL", 4: "NCHW", 5: "NCDHW"}
LAST = {3: "NLC", 4: "NHWC", 5: "NDHWC"}

# first input and first output are (batch, channel, spatial...) by the operator's definition
CHANNEL_FIRST = """
    AveragePool Conv ConvInteger ConvTranspose DeformConv DepthToSpace FusedConv GlobalAveragePool GlobalLpPool
    GlobalMaxPool GroupNormalization InstanceNormalization LRN LpPool MaxPool MaxRoiPool MaxUnpool QLinearAveragePool
    QLinearConv QLinearGlobalAveragePool SpaceToDepth
"""
# the output has the axes of its inputs
KEEPS_AXES = """
    Abs Add BatchNormalization Cast CastLike Ceil Celu Clip Concat DequantizeLinear Div Dropout Elu Erf Exp Floor Gather
    Gelu HardSigmoid HardSwish Identity LeakyRelu Log LogSoftmax LpNormalization Max Mean MeanVarianceNormalization Min
    Mish Mul Neg PRelu Pad Pow QLinearAdd QLinearConcat QLinearLeakyRelu QLinearMul QLinearSigmoid QuantizeLinear
    Reciprocal Relu Resize Round Selu Sigmoid Sign Slice Softmax Softplus Softsign Split Sqrt Sub Sum Swish Tanh
    ThresholdedRelu Upsample Where
"""
_CHANNEL_FIRST = frozenset(CHANNEL_FIRST.split())
_KEEPS_AXES = frozenset(KEEPS_AXES.split())


def infer_layouts(graph: ir.Graph) -> dict[str, str]:
    """Tensor name -> layout, for the tensors of the main graph known to be feature maps."""
    layouts: dict[ir.Value, str] = {}
    nodes = list(graph)
    # forwards, then backwards (for what leads up to the first convolution), until nothing is added
    while True:
        before = len(layouts)
        for node in nodes:
            _forward(node, layouts)
        for node in reversed(nodes):
            _backward(node, layouts)
        if len(layouts) == before:
            return {str(value.name): layout for value, layout in layouts.items()}


def channel_axis(layout: str) -> int:
    return layout.index("C")


def spatial_axes(layout: str) -> tuple[int, ...]:
    return tuple(axis for axis, letter in enumerate(layout) if letter not in "NC")


def _forward(node: ir.Node, layouts: dict[ir.Value, str]) -> None:
    first = node.inputs[0] if node.inputs else None
    if first is None:
        return
    if node.op_type in _CHANNEL_FIRST:
        for value in (first, node.outputs[0]):
            # a table of constants given to a pooling operator is no feature map
            if not value.is_initializer():
                _mark(value, FIRST.get(_rank(value) or _rank(first) or 0), layouts)
    elif node.op_type == "Transpose":
        permutation = node.attributes.get_ints("perm")
        if first in layouts and permutation is not None:
            _mark(node.outputs[0], _permute(layouts[first], permutation), layouts)
    elif node.op_type in _KEEPS_AXES:
        found = {
            layouts[value]
            for value in node.inputs
            if value is not None and value in layouts and _rank(value) in (None, _rank(node.outputs[0]))
        }
        if len(found) == 1 and not (node.op_type == "Gather" and not _gathers_slice(node)):
            for value in node.outputs:
                if _rank(value) in (None, len(next(iter(found)))):
                    _mark(value, next(iter(found)), layouts)


def _backward(node: ir.Node, layouts: dict[ir.Value, str]) -> None:
    output = node.outputs[0] if node.outputs else None
    if output is None or output not in layouts:
        return
    layout = layouts[output]
    if node.op_type == "Transpose":
        permutation = node.attributes.get_ints("perm")
        first = node.inputs[0]
        if permutation is not None and first is not None:
            inverse = [list(permutation).index(axis) for axis in range(len(permutation))]
            _mark(first, _permute(layout, inverse), layouts)
    elif node.op_type in _KEEPS_AXES and node.op_type != "Gather":
        for value in node.inputs:
            if value is not None and not value.is_initializer() and _rank(value) == len(layout):
                _mark(value, layout, layouts)


def _mark(value: ir.Value, layout: str | None, layouts: dict[ir.Value, str]) -> None:
    if layout is not None and value.name:
        layouts.setdefault(value, layout)


def _permute(layout: str, permutation: Sequence[int]) -> str | None:
    permuted = "".join(layout[axis] for axis in permutation) if len(permutation) == len(layout) else ""
    return permuted if permuted in (*FIRST.values(), *LAST.values()) else None


def _rank(value: ir.Value) -> int | None:
    return None if value.shape is None else len(value.shape)


def _gathers_slice(node: ir.Node) -> bool:
    """Gathering by a list along an axis keeps the axes (channel shuffles); by a scalar it drops one."""
    indices = node.inputs[1]
    return indices is not None and indices.shape is not None and len(indices.shape) == 1

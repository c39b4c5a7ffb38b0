"""Which pixels a place of a feature map can see: walked from the input through convolutions and poolings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["Window", "windows_of"]

# the position of an operator's kernel among its inputs; a pooling has none
CONVOLUTIONS = {"Conv": 1, "FusedConv": 1, "ConvInteger": 1, "QLinearConv": 3}
POOLINGS = frozenset(("AveragePool", "LpPool", "MaxPool", "QLinearAveragePool"))
# a place of the result reads that place of the inputs alone
_POINTWISE = """
    Abs Add BatchNormalization BiasGelu Cast CastLike Ceil Celu Clip Concat DequantizeLinear Div Dropout Elu Erf Exp
    Floor Gelu HardSigmoid HardSwish Identity LeakyRelu Log Max Mean Min Mish Mul Neg PRelu Pow QLinearAdd QLinearConcat
    QLinearLeakyRelu QLinearMul QLinearSigmoid QuantizeLinear QuickGelu Reciprocal Relu Round Selu Sigmoid Softplus
    Softsign Split Sqrt Sub Sum Swish Tanh ThresholdedRelu Where
"""
POINTWISE = frozenset(_POINTWISE.split())


@dataclass(frozen=True)
class Window:
    """Along one axis, place i sees the input's pixels stride * i + first to stride * i + last, both included.

    Attributes:
        axis: number of the input's spatial axis.
    """

    axis: int
    stride: int = 1
    first: int = 0
    last: int = 0

    def pixels(self, place: int, side: int) -> tuple[int, int]:
        """Begin and end (not included) within an input of `side` pixels; at least one pixel of it."""
        begin = min(max(self.stride * place + self.first, 0), side - 1)
        return begin, max(min(self.stride * place + self.last + 1, side), begin + 1)


Axes = tuple[Window | None, ...]
"""Of each axis of a tensor what a place on it sees; None: no place, but samples or channels."""


def windows_of(
    model: ir.Model, source: str, spatial: Sequence[int], rank: int, tensor: str
) -> tuple[Window, ...] | None:
    """What a place of `tensor` sees along each spatial axis of the input; None where this walk cannot tell.

    It can where convolutions, poolings and operators that work place by place lead to the tensor: not through a
    pooling of the whole picture that is multiplied back, through attention, nor through an enlargement.

    Args:
        model: the graph.
        source: name of the input.
        spatial: its spatial axes.
        rank: how many axes it has.
        tensor: whose places are meant.
    """
    start: Axes = tuple(Window(spatial.index(axis)) if axis in spatial else None for axis in range(rank))
    known: dict[ir.Value, Axes | None] = {}
    for value in model.graph.inputs:
        if value.name == source:
            known[value] = start
    for node in model.graph:
        reached = [value for value in node.inputs if value is not None and value in known]
        if reached:
            axes = _through(node, known)
            known.update(dict.fromkeys(node.outputs, axes))
        for value in node.outputs:
            if value.name == tensor:
                found = known.get(value)
                windows = [] if found is None else [window for window in found if window is not None]
                whole = sorted(window.axis for window in windows) == list(range(len(spatial)))
                return tuple(sorted(windows, key=lambda window: window.axis)) if whole else None
    return None


def _through(node: ir.Node, known: Mapping[ir.Value, Axes | None]) -> Axes | None:
    """What the places of a node's results see, given its inputs; None where that is not known."""
    if node.op_type in CONVOLUTIONS or node.op_type in POOLINGS:
        return _slid(node, known)
    if node.op_type == "Transpose":
        axes = _of(node.inputs[0], known)
        order = node.attributes.get_ints("perm")
        return None if axes is None else tuple(axes[axis] for axis in order or reversed(range(len(axes))))
    if node.op_type == "Pad":
        return _padded(node, known)
    if node.op_type in POINTWISE:
        return _joined(node, known)
    return None


def _of(value: ir.Value | None, known: Mapping[ir.Value, Axes | None]) -> Axes | None:
    return None if value is None else known.get(value)


def _slid(node: ir.Node, known: Mapping[ir.Value, Axes | None]) -> Axes | None:
    axes = _of(node.inputs[0], known)
    kernel = _kernel(node)
    if axes is None or kernel is None or len(kernel) != len(axes) - 2:
        return None
    places = len(kernel)
    strides = node.attributes.get_ints("strides") or [1] * places
    dilations = node.attributes.get_ints("dilations") or [1] * places
    spans = [dilation * (side - 1) + 1 for side, dilation in zip(kernel, dilations, strict=True)]
    before = _before(node, spans, strides)
    if before is None:
        return None
    moved: list[Window | None] = list(axes[:2])
    for window, stride, span, pad in zip(axes[2:], strides, spans, before, strict=True):
        if window is None:
            return None
        first = window.first - window.stride * pad
        last = window.last + window.stride * (span - 1 - pad)
        moved.append(Window(window.axis, window.stride * stride, first, last))
    return tuple(moved)


def _kernel(node: ir.Node) -> Sequence[int] | None:
    said = node.attributes.get_ints("kernel_shape")
    if said is not None or node.op_type not in CONVOLUTIONS:
        return said
    weights = node.inputs[CONVOLUTIONS[node.op_type]]
    shape = None if weights is None else weights.shape
    sides = [] if shape is None else [side for side in list(shape)[2:] if isinstance(side, int)]
    return sides if shape is not None and len(sides) == len(shape) - 2 else None


def _before(node: ir.Node, spans: Sequence[int], strides: Sequence[int]) -> Sequence[int] | None:
    """The padding before the first pixel of each axis."""
    automatic = node.attributes.get_string("auto_pad") or "NOTSET"
    if automatic == "NOTSET":
        return (node.attributes.get_ints("pads") or [0] * 2 * len(spans))[: len(spans)]
    if automatic == "VALID":
        return [0] * len(spans)
    shape = None if node.inputs[0] is None else node.inputs[0].shape
    sides = [] if shape is None else [side for side in list(shape)[2:] if isinstance(side, int)]
    if len(sides) != len(spans):
        return None
    found = []
    for side, span, stride in zip(sides, spans, strides, strict=True):
        missing = max((math.ceil(side / stride) - 1) * stride + span - side, 0)
        found.append(missing // 2 if automatic == "SAME_UPPER" else missing - missing // 2)
    return found


def _padded(node: ir.Node, known: Mapping[ir.Value, Axes | None]) -> Axes | None:
    import onnx_ir as ir

    axes = _of(node.inputs[0], known)
    pads: Sequence[int] | None = node.attributes.get_ints("pads")
    if pads is None and len(node.inputs) > 1 and node.inputs[1] is not None:
        constant = ir.convenience.get_const_tensor(node.inputs[1])
        pads = None if constant is None else [int(pad) for pad in np.asarray(constant.numpy())]
    if axes is None or pads is None or len(pads) != 2 * len(axes):
        return None
    moved = []
    for window, pad in zip(axes, pads, strict=False):
        shift = 0 if window is None else window.stride * pad
        moved.append(
            None
            if window is None
            else Window(window.axis, window.stride, window.first - shift, window.last - shift)
        )
    return tuple(moved)


def _joined(node: ir.Node, known: Mapping[ir.Value, Axes | None]) -> Axes | None:
    """Of several inputs a place sees what it sees of any; constants show nothing."""
    each = [known[value] for value in node.inputs if value is not None and value in known]
    # what was pooled to one number per channel, or is not known, may have seen anything
    present = [axes for axes in each if axes is not None]
    if len(present) < len(each) or len({len(axes) for axes in present}) != 1:
        return None
    if node.op_type in ("Concat", "Split") and present[0][node.attributes.get_int("axis", 0)] is not None:
        return None
    joined = []
    for windows in zip(*present, strict=True):
        if len({(window.axis, window.stride) if window is not None else None for window in windows}) > 1:
            return None
        joined.append(_around([window for window in windows if window is not None]))
    return tuple(joined)


def _around(windows: Sequence[Window]) -> Window | None:
    """One window around several of the same axis and pace."""
    if not windows:
        return None
    first, last = min(window.first for window in windows), max(window.last for window in windows)
    return Window(windows[0].axis, windows[0].stride, first, last)

"""How each operator hands a mask of needed elements back to what it reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inspector.explain.geometry.rules import Step

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["ALL", "RULES", "Mask", "Use", "everything"]

# True: every element
ALL: Literal[True] = True
Mask: TypeAlias = "Literal[True] | NDArray[np.bool_]"
Parts: TypeAlias = "dict[int, Mask]"


@dataclass(frozen=True)
class Use:
    """One output of a node, and which of its elements are needed."""

    node: ir.Node
    output: int
    mask: Mask
    shapes: Mapping[str, tuple[int, ...]]

    @property
    def step(self) -> Step:
        return Step(self.node, self.shapes, {})

    def shape(self, number: int = 0) -> tuple[int, ...] | None:
        return self.step.shape(number)

    def full(self) -> NDArray[np.bool_] | None:
        """The mask written out; None where the output's shape is unknown."""
        if isinstance(self.mask, np.ndarray):
            return self.mask
        shape = self.shapes.get(str(self.node.outputs[self.output].name))
        return None if shape is None else np.ones(shape, dtype=bool)


Rule: TypeAlias = "Callable[[Use], Parts]"


def everything(use: Use) -> Parts:
    """All of every input."""
    return {}


def elementwise(use: Use) -> Parts:
    if use.mask is ALL:
        return {}
    return _from(use, lambda mask, number: _unbroadcast(mask, use.shape(number)))


def transpose(use: Use) -> Parts:
    if not isinstance(use.mask, np.ndarray):
        return {}
    order = use.node.attributes.get_ints("perm", list(range(use.mask.ndim))[::-1]) or []
    return {0: use.mask.transpose(np.argsort(order))}


def reshape(use: Use) -> Parts:
    shape = use.shape()
    if not isinstance(use.mask, np.ndarray) or shape is None or np.prod(shape) != use.mask.size:
        return {}
    return {0: use.mask.reshape(shape)}


def concat(use: Use) -> Parts:
    mask = use.full()
    shapes = [use.shape(number) for number in range(len(use.node.inputs))]
    if mask is None or any(shape is None for shape in shapes):
        return {}
    axis = use.step.axis(0, mask.ndim)
    ends = np.cumsum([0 if shape is None else shape[axis] for shape in shapes])
    return dict(enumerate(np.split(mask, ends[:-1], axis=axis)))


def picks(use: Use) -> Parts:
    """Slice, Split and Gather by constants: what they pick of the numbered elements is what is needed."""
    mask, shape = use.full(), use.shape()
    if mask is None or shape is None:
        return {}
    picked = _pick(use, shape)
    if picked is None:
        return {}
    needed = np.zeros(shape, dtype=bool)
    # a scalar index of Gather has dropped its axis
    needed[np.ix_(*picked)] = mask.reshape([len(places) for places in picked])
    return {0: needed}


def _pick(use: Use, shape: tuple[int, ...]) -> list[NDArray[np.int64]] | None:
    """Per axis of the input, the places picked."""
    step = use.step
    places = [np.arange(size) for size in shape]
    if use.node.op_type == "Gather":
        numbers = step.numbers(1)
        axis = step.axis(0, len(shape))
        if numbers is None or len(set(numbers)) != len(numbers):
            return None
        places[axis] = np.array(numbers) % shape[axis]
        return places
    if use.node.op_type == "Split":
        axis = step.axis(0, len(shape))
        sizes = [use.shapes.get(str(value.name)) for value in use.node.outputs]
        if any(size is None for size in sizes):
            return None
        ends = np.cumsum([0, *(size[axis] for size in sizes if size is not None)])
        places[axis] = np.arange(ends[use.output], ends[use.output + 1])
        return places
    starts, ends_ = step.numbers(1, "starts"), step.numbers(2, "ends")
    if starts is None or ends_ is None:
        return None
    along = step.numbers(3, "axes") or list(range(len(starts)))
    strides = step.numbers(4) or [1] * len(along)
    for axis, start, end, stride in zip(along, starts, ends_, strides, strict=True):
        places[axis] = np.arange(shape[axis])[start:end:stride]
    return places


def matmul(use: Use) -> Parts:
    """A row of the product needs its row of the left factor and all of the right one."""
    left, right = use.shape(0), use.shape(1)
    if (
        not isinstance(use.mask, np.ndarray)
        or left is None
        or right is None
        or min(len(left), len(right)) < 2
    ):
        return {}
    if use.node.attributes.get_int("transA", 0):
        return {}
    rows = _unbroadcast(np.repeat(use.mask.any(axis=-1, keepdims=True), left[-1], axis=-1), left)
    return {} if rows is None else {0: rows}


def along_axis(use: Use) -> Parts:
    """Softmax: every element of a line needs the whole line."""
    if not isinstance(use.mask, np.ndarray):
        return {}
    axis = use.step.axis(-1, use.mask.ndim)
    return {0: np.broadcast_to(use.mask.any(axis=axis, keepdims=True), use.mask.shape).copy()}


def normalise(use: Use) -> Parts:
    """Layer normalisation: from its axis on, every element needs all; an added residual likewise."""
    if not isinstance(use.mask, np.ndarray) or use.output:
        return {}
    axis = use.step.axis(-1, use.mask.ndim)
    axes = tuple(range(axis, use.mask.ndim))
    lines = np.broadcast_to(use.mask.any(axis=axes, keepdims=True), use.mask.shape)
    return _from(use, lambda mask, number: lines.copy() if use.shape(number) == lines.shape else None)


def reduce(use: Use) -> Parts:
    shape = use.shape()
    if not isinstance(use.mask, np.ndarray) or shape is None:
        return {}
    axes = use.step.numbers(1, "axes") or list(range(len(shape)))
    mask = use.mask
    if mask.ndim != len(shape):
        mask = np.expand_dims(mask, tuple(axis % len(shape) for axis in axes))
    return {0: np.broadcast_to(mask, shape).copy()}


def queries(use: Use) -> Parts:
    """Attention with queries, keys and values apart: a row needs its query, and all keys and values."""
    shape, keys = use.shape(), use.step.value(1)
    if not isinstance(use.mask, np.ndarray) or shape is None or use.output or len(shape) != use.mask.ndim:
        return {}
    # com.microsoft's Attention makes queries, keys and values from one tensor, and so may MultiHeadAttention
    if keys is None or (use.node.domain and use.node.op_type == "Attention"):
        return {}
    rows = use.mask.any(axis=-1, keepdims=True)
    return {0: np.broadcast_to(rows, shape).copy()} if rows.shape[:-1] == shape[:-1] else {}


def _from(use: Use, part: Callable[[NDArray[np.bool_], int], NDArray[np.bool_] | None]) -> Parts:
    if not isinstance(use.mask, np.ndarray):
        return {}
    found = {}
    for number in range(len(use.node.inputs)):
        one = part(use.mask, number)
        if one is not None:
            found[number] = one
    return dict[int, Any](found)


def _unbroadcast(mask: NDArray[np.bool_], shape: tuple[int, ...] | None) -> NDArray[np.bool_] | None:
    """The mask of an operand that was broadcast to the mask's shape."""
    if shape is None or len(shape) > mask.ndim:
        return None
    ahead = tuple(range(mask.ndim - len(shape)))
    stretched = tuple(
        axis for axis, size in enumerate(shape, start=len(ahead)) if size == 1 and mask.shape[axis] != 1
    )
    kept: NDArray[np.bool_] = np.asarray(mask.any(axis=(*ahead, *stretched), keepdims=True))
    return kept.reshape(shape) if kept.size == np.prod(shape) else None


def _table() -> dict[str, Rule]:
    several: list[tuple[Rule, str]] = [
        (
            elementwise,
            "Abs Add BiasGelu Cast CastLike Ceil Celu Clip Cos DequantizeLinear Div Dropout Elu Erf Exp Expand "
            "FastGelu Floor Gelu HardSigmoid HardSwish Identity LeakyRelu Log Max Mean Min Mish Mul Neg PRelu Pow "
            "QLinearAdd QLinearMul QuantizeLinear QuickGelu Reciprocal Relu Round Selu Sigmoid Sign Sin Softplus "
            "Softsign Sqrt Sub Sum Swish Tanh ThresholdedRelu Where",
        ),
        (transpose, "Transpose"),
        (reshape, "Flatten Reshape Squeeze Unsqueeze"),
        (concat, "Concat"),
        (picks, "Gather Slice Split"),
        (matmul, "FusedMatMul Gemm MatMul MatMulInteger"),
        (along_axis, "Hardmax LogSoftmax Softmax"),
        (
            normalise,
            "LayerNormalization RMSNormalization SimplifiedLayerNormalization SkipLayerNormalization "
            "SkipSimplifiedLayerNormalization",
        ),
        (
            reduce,
            "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum "
            "ReduceSumSquare",
        ),
        (queries, "Attention MultiHeadAttention"),
    ]
    return {name: rule for rule, names in several for name in names.split()}


RULES = _table()

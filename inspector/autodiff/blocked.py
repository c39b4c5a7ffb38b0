"""The blocked layout of the runtime's convolutions (NCHWc), and how a cotangent gets into it and stays there.

onnxruntime lays feature maps out in blocks of channels between convolutions; sums, products and a few activations of
maps that are all laid out so stay so, anything else is copied back first. A cotangent born outside (by `Expand`,
`ConvTranspose`, ...) and then travels along the skip connections of a network is copied to and fro at each of them,
unless one convolution of each channel with a number takes it in. Maps stay inside only where the runtime can tell that
their shapes are equal: a batch of any size must be one by name all the way (`of_one_batch`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import onnx_ir as ir

from inspector.autodiff.tape import Operand, Tape
from inspector.surgery import register_constants

__all__ = [
    "channels_of",
    "is_inside",
    "laid_over",
    "of_one_batch",
    "read_copies",
    "repeated",
    "summed",
    "taken_in",
    "times",
]

_KEEPING = frozenset(["Add", "HardSigmoid", "HardSwish", "MaxPool", "Mul", "Relu", "Sigmoid", "Sum"])
_BLOCK, _ALIGNED = 16, 4
"""Channels of a block, which the last need not fill; they are a multiple of the second number."""
_FEW = 4096
_RANK = 4


def channels_of(x: Operand) -> int | None:
    """The channels of a feature map (N, C, H, W) in float32 that can be laid out in blocks; of other tensors None."""
    if x is None or x.dtype != ir.DataType.FLOAT or x.shape is None or len(x.shape) != _RANK:
        return None
    channels = x.shape[1]
    return channels if isinstance(channels, int) and _fill_blocks(channels) else None


def _fill_blocks(channels: int) -> bool:
    return channels >= _BLOCK and channels % _ALIGNED == 0


def of_one_batch(tape: Tape, g: ir.Value, x: ir.Value) -> ir.Value:
    """`g`, of the shape of `x`, such that the runtime sees that their first axes, of unknown length, are equal.

    What a Reshape makes has an unknown batch even for one that had a name; joining it with a tensor that kept the name
    along another axis gives it back. Only for tensors of a few numbers per sample, where that costs nothing.
    """
    shape = None if x.shape is None else x.shape.dims
    if shape is None or len(shape) < 2 or isinstance(shape[0], int):
        return g
    rest = [dim for dim in shape[1:] if isinstance(dim, int)]
    if len(rest) < len(shape) - 1 or math.prod(rest) > _FEW or g.dtype != x.dtype:
        return g
    return tape.Slice(tape.Concat(g, x, axis=1), [0], [rest[0]], [1])


def is_inside(value: Operand) -> bool:
    """Whether `value` is the result of a convolution, or of what keeps the layout of such results."""
    pending, seen = [value], set()
    while pending:
        each = pending.pop()
        node = None if each is None else each.producer()
        if node is None or node.domain != "":
            return False
        if node.op_type == "Conv" or each in seen:
            continue
        if node.op_type not in _KEEPING:
            return False
        seen.add(each)
        pending.extend(node.inputs)
    return True


def times(tape: Tape, x: Operand, number: float, channels: int) -> ir.Value:
    """`x` times a number, as a convolution of each of its channels."""
    kernel = tape.constant(np.full((channels, 1, 1, 1), number, dtype=np.float32))
    return tape.Conv(x, kernel, group=channels)


def taken_in(tape: Tape, g: Operand, like: Operand) -> Operand:
    """`g`, the cotangent of `like`, laid out in blocks, where that is not so already."""
    channels = channels_of(like)
    return g if channels is None or is_inside(g) else times(tape, g, 1.0, channels)


def read_copies(tape: Tape, graph: ir.Graph, nodes: Iterable[ir.Node]) -> None:
    """Let each of `nodes`, activations of feature maps, read a copy of its own.

    A convolution and its activation are one pass, and stay laid out, only where nothing else reads what lies between:
    where a pullback does, the convolution that copies takes the part of the one before.
    """
    for node in nodes:
        copies, channels = tape.inner(), channels_of(node.inputs[0])
        if channels is not None:
            copied = times(copies, node.inputs[0], 1.0, channels)
            register_constants(graph, copies.nodes)
            graph.insert_before(node, copies.nodes)
            node.replace_input_with(0, copied)


def repeated(tape: Tape, x: Operand, like: Operand) -> ir.Value | None:
    """`x` (N, C, 1, 1), repeated over the height and width of the feature map `like`; None where it would not be laid
    out in blocks.

    By convolutions with ones, along the rows and then down the columns, where each window holds that one number: what
    comes of it is laid out, as from `Expand` it is not, and has the name of the batch, which `Resize` loses.
    """
    if like is None or like.shape is None or like.dtype != ir.DataType.FLOAT:
        return None
    sizes = _sizes(like.shape.dims)
    if sizes is None:
        return None
    channels, height, width = sizes
    row = _with_ones(tape, x, channels, (1, width), pads=[0, width - 1] * 2)
    whole = _with_ones(tape, row, channels, (height, 1), pads=[height - 1, 0] * 2)
    whole.shape = like.shape
    return whole


def laid_over(tape: Tape, x: Operand, like: Operand) -> Operand:
    """`x`; where it has one number for each channel of the feature map `like`, and both are laid out, `repeated`."""
    if x is None or x.shape is None or like is None or like.shape is None or len(like.shape) != _RANK:
        return x
    gate = list(x.shape.dims)[1:] == [like.shape[1], 1, 1]
    whole = repeated(tape, x, like) if gate and is_inside(x) and is_inside(like) else None
    return x if whole is None else whole


def summed(tape: Tape, g: Operand, dims: Sequence[object]) -> ir.Value | None:
    """The sums (N, C, 1, 1) over height and width of `g`, a feature map of the shape `dims`; None where it is not
    laid out in blocks.
    """
    sizes = _sizes(dims)
    if sizes is None or g is None or g.dtype != ir.DataType.FLOAT or not is_inside(g):
        return None
    channels, height, width = sizes
    row = _with_ones(tape, g, channels, (1, width), pads=[0] * 4)
    return _with_ones(tape, row, channels, (height, 1), pads=[0] * 4)


def _with_ones(tape: Tape, x: Operand, channels: int, kernel: tuple[int, int], pads: list[int]) -> ir.Value:
    """The sums of each channel under windows."""
    ones = tape.constant(np.ones((channels, 1, *kernel), dtype=np.float32))
    return tape.Conv(x, ones, group=channels, pads=pads)


def _sizes(dims: Sequence[object]) -> list[int] | None:
    """Channels, height and width of a feature map of that shape which can be laid out; None of others."""
    sizes = [dim for dim in dims[1:] if isinstance(dim, int)]
    known = len(dims) == _RANK and len(sizes) == _RANK - 1
    return sizes if known and _fill_blocks(sizes[0]) and sizes[1:] != [1, 1] else None

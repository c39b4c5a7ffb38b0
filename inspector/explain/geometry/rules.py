"""How each operator hands the meaning of axes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from inspector.explain.geometry.axes import (
    Axes,
    Axis,
    axis_size,
    is_plain,
    is_sound,
    joined,
    other,
    place,
    reshaped,
    select,
    spaces_of,
)

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["RULES", "Rule", "Step", "same_shape"]

Shape: TypeAlias = "tuple[int, ...]"


@dataclass(frozen=True)
class Step:
    """One node, and what is known before it."""

    node: ir.Node
    shapes: Mapping[str, Shape]
    known: Mapping[str, Axes]

    def shape(self, number: int = 0) -> Shape | None:
        value = self.value(number)
        return None if value is None else self.shapes.get(str(value.name), _constant_shape(value))

    def axes(self, number: int = 0) -> Axes | None:
        """What is known of an input; of a constant, that its axes count nothing of the input."""
        value = self.value(number)
        shape = self.shape(number)
        if value is None or shape is None:
            return None
        return self.known.get(str(value.name), tuple(map(other, shape)))

    def value(self, number: int) -> ir.Value | None:
        return self.node.inputs[number] if number < len(self.node.inputs) else None

    def numbers(self, number: int, attribute: str = "") -> list[int] | None:
        """Integers given as a constant input or, in older opsets, as an attribute; None where they are computed."""
        import onnx_ir as ir

        if attribute and attribute in self.node.attributes:
            return [int(one) for one in self.node.attributes[attribute].as_ints()]
        value = self.value(number)
        tensor = None if value is None else ir.convenience.get_const_tensor(value)
        return None if tensor is None else [int(one) for one in tensor.numpy().ravel()]

    def axis(self, default: int, rank: int) -> int:
        return self.node.attributes.get_int("axis", default) % max(rank, 1)

    def is_constant(self, number: int) -> bool:
        value = self.value(number)
        return value is not None and value.name not in self.known


Rule: TypeAlias = "Callable[[Step, int, Shape], Axes | None]"


def same_shape(step: Step, output: int, shape: Shape) -> Axes | None:
    """Element by element, with broadcasting; an axis is what the inputs that know it agree on."""
    inputs = [axes for number in range(len(step.node.inputs)) if (axes := step.axes(number)) is not None]
    found = []
    for back in range(len(shape), 0, -1):
        size = shape[-back]
        told = [
            axes[-back]
            for axes in inputs
            if len(axes) >= back and axis_size(axes[-back]) == size and not is_plain(axes[-back])
        ]
        # a residual stream knows where its places lie, what was rolled or cut out and is added to it does not
        told = [each for each in told if is_sound(each)] or told
        found.append(told[0] if told and all(each == told[0] for each in told) else other(size))
    return tuple(found)


def window(step: Step, output: int, shape: Shape) -> Axes | None:
    """A new grid over the same spatial axes: convolution, pooling, resizing, padding."""
    given = step.axes()
    if given is None or len(given) != len(shape):
        return None
    found: list[Axis] = [given[0] if axis_size(given[0]) == shape[0] else other(shape[0])]
    for axis, size in zip(given[1:], shape[1:], strict=True):
        spaces = spaces_of(axis)
        if len(spaces) == 1:
            found.append(place(spaces[0], size))
        else:
            # along tokens, only what leaves their number alone (a convolution of width 1) keeps them
            found.append(axis if spaces and axis_size(axis) == size else other(size))
    return tuple(found)


def grid_sample(step: Step, output: int, shape: Shape) -> Axes | None:
    """A picture straightened by a transformer network stays one; values picked for queries are no picture."""
    return window(step, output, shape) if step.shape() == shape else None


def transpose(step: Step, output: int, shape: Shape) -> Axes | None:
    given = step.axes()
    if given is None:
        return None
    order = step.node.attributes.get_ints("perm", list(range(len(shape)))[::-1])
    return tuple(given[axis] for axis in order or ())


def reshape(step: Step, output: int, shape: Shape) -> Axes | None:
    given = step.axes()
    return None if given is None else reshaped(given, shape)


def matmul(step: Step, output: int, shape: Shape) -> Axes | None:
    """(..., rows, inner) @ (..., inner, columns)."""
    left, right = step.axes(0), step.axes(1)
    if left is None or right is None or len(left) < 2 or len(right) < 2:
        return None
    ahead = _leading(left[:-2], right[:-2], shape[:-2])
    return (*ahead, left[-2], right[-1])


def gemm(step: Step, output: int, shape: Shape) -> Axes | None:
    left, right = step.axes(0), step.axes(1)
    if left is None or right is None:
        return None
    across, along = (step.node.attributes.get_int(name, 0) for name in ("transA", "transB"))
    return (left[1 if across else 0], right[0 if along else 1])


def keep_but_last(step: Step, output: int, shape: Shape) -> Axes | None:
    """Attention: a row per query; recurrence over fused layers."""
    given = step.axes()
    if given is None or len(given) != len(shape) or output:
        return None
    return (*given[:-1], other(shape[-1]))


def concat(step: Step, output: int, shape: Shape) -> Axes | None:
    axis = step.axis(0, len(shape))
    parts = [step.axes(number) for number in range(len(step.node.inputs))]
    if any(part is None for part in parts):
        return None
    known = [part for part in parts if part is not None]
    found = []
    for number, size in enumerate(shape):
        if number == axis:
            found.append(joined(part[number] for part in known))
        else:
            told = [part[number] for part in known if not is_plain(part[number])]
            found.append(told[0] if told and all(each == told[0] for each in told) else other(size))
    return tuple(found)


def slices(step: Step, output: int, shape: Shape) -> Axes | None:
    given = step.axes()
    if given is None:
        return None
    starts, ends = step.numbers(1, "starts"), step.numbers(2, "ends")
    along = step.numbers(3, "axes") or list(range(len(starts or ())))
    steps = step.numbers(4) or [1] * len(along)
    found = list(given)
    if starts is None or ends is None:
        return tuple(a if axis_size(a) == size else other(size) for a, size in zip(given, shape, strict=True))
    for axis, start, end, stride in zip(along, starts, ends, steps, strict=True):
        length = axis_size(given[axis])
        found[axis] = (
            select(given[axis], *slice(start, end, stride).indices(length))
            if stride > 0
            else other(shape[axis])
        )
    return tuple(found)


def split(step: Step, output: int, shape: Shape) -> Axes | None:
    given = step.axes()
    if given is None:
        return None
    axis = step.axis(0, len(given))
    before = sum(
        step.shapes.get(str(value.name), (0,) * len(given))[axis] for value in step.node.outputs[:output]
    )
    return (*given[:axis], select(given[axis], before, before + shape[axis], 1), *given[axis + 1 :])


def gather(step: Step, output: int, shape: Shape) -> Axes | None:
    """Rows by number: of a table (embeddings) the axes of the numbers, of a feature map what they select."""
    given, chosen = step.axes(0), step.axes(1)
    if given is None or chosen is None:
        return None
    axis = step.axis(0, len(given))
    if step.is_constant(0) or not step.is_constant(1):
        return (*given[:axis], *chosen, *given[axis + 1 :])
    numbers = step.numbers(1) or []
    if len(chosen) != 1 or not numbers:
        return (*given[:axis], *map(other, shape[axis : axis + len(chosen)]), *given[axis + 1 :])
    length = axis_size(given[axis])
    numbers = [number % length for number in numbers]
    stride = numbers[1] - numbers[0] if len(numbers) > 1 else 1
    regular = stride > 0 and numbers == list(range(numbers[0], numbers[-1] + 1, stride))
    picked = select(given[axis], numbers[0], numbers[-1] + 1, stride) if regular else other(len(numbers))
    return (*given[:axis], picked, *given[axis + 1 :])


def reduce(step: Step, output: int, shape: Shape) -> Axes | None:
    given = step.axes()
    if given is None:
        return None
    axes = step.numbers(1, "axes")
    if "axis" in step.node.attributes:
        axes = [step.node.attributes.get_int("axis", 0)]
    gone = {axis % len(given) for axis in axes} if axes else set(range(len(given)))
    if len(shape) == len(given):
        return tuple(other(1) if number in gone else axis for number, axis in enumerate(given))
    return tuple(axis for number, axis in enumerate(given) if number not in gone)


def one_hot(step: Step, output: int, shape: Shape) -> Axes | None:
    given = step.axes()
    if given is None:
        return None
    axis = step.axis(-1, len(shape))
    return (*given[:axis], other(shape[axis]), *given[axis:])


def recurrent(step: Step, output: int, shape: Shape) -> Axes | None:
    """(steps, batch, ...) -> (steps, directions, batch, features), or with layout 1 (batch, steps, directions, ...)."""
    given = step.axes()
    if given is None or output:
        return None
    if step.node.attributes.get_int("layout", 0):
        return (given[0], given[1], other(shape[2]), other(shape[3]))
    return (given[0], other(shape[1]), given[1], other(shape[3]))


def einsum(step: Step, output: int, shape: Shape) -> Axes | None:
    equation = step.node.attributes.get_string("equation", "") or ""
    left, arrow, right = equation.replace(" ", "").partition("->")
    if not arrow or "." in equation:
        return None
    named: dict[str, Axis] = {}
    for number, letters in enumerate(left.split(",")):
        for letter, axis in zip(letters, step.axes(number) or (), strict=False):
            if letter not in named or is_plain(named[letter]):
                named[letter] = axis
    return tuple(named.get(letter, other(size)) for letter, size in zip(right, shape, strict=True))


def nothing(step: Step, output: int, shape: Shape) -> Axes | None:
    """Positions are picked or moved by values: what comes out lies nowhere."""
    return None


def _leading(left: Axes, right: Axes, shape: Sequence[int]) -> Axes:
    found = []
    for back in range(len(shape), 0, -1):
        told = [a[-back] for a in (left, right) if len(a) >= back and axis_size(a[-back]) == shape[-back]]
        told = [axis for axis in told if not is_plain(axis)]
        found.append(told[0] if told else other(shape[-back]))
    return tuple(found)


def _constant_shape(value: ir.Value) -> Shape | None:
    if value.shape is None or not all(isinstance(dim, int) for dim in value.shape):
        return None
    return tuple(int(dim) for dim in value.shape if isinstance(dim, int))


def _table() -> dict[str, Rule]:
    several: list[tuple[Rule, str]] = [
        (
            window,
            "AveragePool Conv ConvInteger ConvTranspose DeformConv DepthToSpace FusedConv GlobalAveragePool "
            "GlobalLpPool GlobalMaxPool LpPool MaxPool MaxUnpool NhwcConv Pad QLinearAveragePool "
            "QLinearConv QLinearGlobalAveragePool Resize SpaceToDepth Upsample",
        ),
        (reshape, "Reshape Flatten Squeeze Unsqueeze"),
        (matmul, "FusedMatMul MatMul MatMulInteger MatMulIntegerToFloat QLinearMatMul"),
        (
            keep_but_last,
            "Attention DynamicQuantizeMatMul MatMulNBits MultiHeadAttention QAttention QOrderedAttention",
        ),
        (
            reduce,
            "ArgMax ArgMin ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd "
            "ReduceSum ReduceSumSquare",
        ),
        (recurrent, "GRU LSTM RNN"),
        (split, "Split"),
        (
            nothing,
            "AffineGrid Compress CropAndResize DFT GatherElements GatherND MaxRoiPool NonMaxSuppression "
            "NonZero ReverseSequence RoiAlign STFT ScatterElements ScatterND Shape Size Tile TopK Unique",
        ),
        (gather, "Gather"),
    ]
    table = {name: rule for rule, names in several for name in names.split()}
    table.update(
        Concat=concat,
        Einsum=einsum,
        Gemm=gemm,
        GridSample=grid_sample,
        OneHot=one_hot,
        Slice=slices,
        Transpose=transpose,
        QGemm=nothing,
    )
    return table


RULES = _table()

"""Kernels that a gradient holds a flipped copy of: in the file they are computed from the model's own weights.

The runtime computes them once, when it loads the file.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from inspector.autodiff.tape import Tape
from inspector.model.external import numbers

__all__ = ["share_kernels"]

# elements of a copy that may as well stay one
SMALL = 1024


def share_kernels(graph: ir.Graph, own: Collection[str]) -> None:
    """Replace, in place, each convolution's kernels that are those of `own` flipped, as a gradient needs them.

    The constants that the new nodes read are not registered yet, nor do the nodes stand in order.

    Args:
        graph: of the model and its gradient.
        own: names of the model's weights.
    """
    weights: dict[tuple[int, ...], list[ir.Value]] = {}
    for value in graph.initializers.values():
        if value.name in own and value.shape is not None and len(value.shape) > 2:
            weights.setdefault(tuple(value.shape.numpy()), []).append(value)
    tape = Tape(graph, prefix="explain/kernel")
    made: dict[tuple[ir.Value, int], ir.Value] = {}
    for node in list(graph):
        copied = node.inputs[1] if node.op_type == "Conv" else None
        if (
            copied is None
            or copied.name in own
            or copied.const_value is None
            or copied.const_value.size <= SMALL
        ):
            continue
        group = node.attributes.get_int("group", 1)
        original = _flipped(numbers(copied.const_value), group)
        for value in weights.get(original.shape, ()):
            if value.const_value is not None and np.array_equal(numbers(value.const_value), original):
                if (value, group) not in made:
                    made[value, group] = _flip(tape, value, original.shape, group)
                node.replace_input_with(1, made[value, group])
                break
    graph.extend(tape.nodes)


def _flipped(kernels: NDArray[Any], group: int) -> NDArray[Any]:
    """Reversed in space, inputs and outputs exchanged within each group: twice, and they are what they were."""
    one, other, *sides = kernels.shape
    parted = kernels.reshape(group, one // group, other, *sides).swapaxes(1, 2)
    exchanged = parted.reshape(group * other, one // group, *sides)
    return exchanged[(slice(None), slice(None), *[slice(None, None, -1)] * len(sides))]


def _flip(tape: Tape, value: ir.Value, shape: tuple[int, ...], group: int) -> ir.Value:
    """The same by nodes."""
    one, other, *sides = shape
    axes = list(range(2, len(shape)))
    if group == 1:
        value = tape.Transpose(value, perm=[1, 0, *axes])
    elif (one, other) != (group, 1):
        parted = tape.Reshape(value, [group, one // group, other, *sides])
        swapped = tape.Transpose(parted, perm=[0, 2, 1, *(axis + 1 for axis in axes)])
        value = tape.Reshape(swapped, [group * other, one // group, *sides])
    back = [axis for axis in axes if shape[axis] > 1]
    if not back:
        return value
    return tape.Slice(value, [-1] * len(back), [-(2**31)] * len(back), back, [-1] * len(back))

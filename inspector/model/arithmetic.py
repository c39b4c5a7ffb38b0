"""Operators that files compute shapes with: the walk over shapes evaluates them where it knows what they read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from inspector.model.inference import LARGEST

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

__all__ = ["computes_a_shape"]

# none of these makes a small tensor large
ARITHMETIC = """
    Abs Add And Cast CastLike Ceil Clip Concat CumSum Div Equal Flatten Floor Gather GatherElements GatherND Greater
    GreaterOrEqual Identity Less LessOrEqual Max Min Mod Mul Neg NonZero Not Or Pow ReduceMax ReduceMin ReduceProd
    ReduceSum Reshape Round ScatterElements ScatterND Sign Slice Split Sqrt Squeeze Sub Sum Transpose Unsqueeze Where
    Xor
"""
_ARITHMETIC = frozenset(ARITHMETIC.split())


def computes_a_shape(node: onnx.NodeProto, constants: Mapping[str, NDArray[Any]]) -> bool:
    """Whether a node is to be evaluated: all that it reads is known, and what it computes is small.

    The dynamic sizes of `torch.Tensor.expand` and of `torch.nn.functional.pad` are written with ConstantOfShape.

    Args:
        node: of the standard's domain.
        constants: what it reads, as far as it is known.
    """
    if node.domain or constants.keys() != {name for name in node.input if name}:
        return False
    given = [constants.get(name) for name in node.input]
    if node.op_type in _ARITHMETIC:
        return True
    if node.op_type == "ConstantOfShape":
        return math.prod(_numbers(given[0])) <= LARGEST
    if node.op_type in ("Expand", "Tile"):
        # of both the result has at most as many elements as the operand times the second input's product
        size = 0 if given[0] is None else given[0].size
        return size * math.prod(max(number, 1) for number in _numbers(given[1])) <= LARGEST
    if node.op_type == "Range":
        start, limit, delta = (float(one.ravel()[0]) for one in given if one is not None)
        return delta != 0 and (limit - start) / delta <= LARGEST
    return False


def _numbers(array: NDArray[Any] | None) -> list[int]:
    return [] if array is None else [int(one) for one in array.ravel()]

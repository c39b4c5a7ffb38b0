"""Weights of a few bits, packed several to a byte, with a scale for each block of them."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from inspector.autodiff.lowering.scope import Scope
from inspector.autodiff.sizes import Size
from inspector.autodiff.tape import Operand

__all__ = ["LOWERINGS"]

NORMAL_FLOATS = np.array(
    [
        *(-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453),
        *(-0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0),
        *(0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224),
        *(0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0),
    ],
    dtype=np.float32,
)
"""NF4: quantiles of the normal distribution (Dettmers et al., QLoRA, appendix E)."""
_POSITIVE = [0.0, 5.208333333e-03, 0.66666667, 1.0, 0.33333333, 0.5, 0.16666667, 0.25]
SHORT_FLOATS = np.array([*_POSITIVE, *(-each for each in _POSITIVE)], dtype=np.float32)
"""FP4 of the bitsandbytes library: a sign, two bits of exponent, one of mantissa, divided by 12."""


def matmul_nbits(scope: Scope, node: ir.Node) -> list[Operand] | None:
    """A Wᵀ, the weights (N, K) in blocks along K of 2, 4 or 8 bits."""
    a, b, scales, zeros, groups, bias = (*node.inputs, None, None, None)[:6]
    bits, block = node.attributes.get_int("bits", 4), node.attributes.get_int("block_size", 32)
    rows, columns = node.attributes.get_int("N", 0), node.attributes.get_int("K", 0)
    if groups is not None or node.attributes.get_int("weight_prepacked", 0) != 0 or bits not in (2, 4, 8):
        return None
    blocks = -(-columns // block)
    numbers = scope.Reshape(unpacked(scope, scope.Reshape(b, [rows, -1]), bits), [rows, blocks, block])
    scale = scope.Reshape(scales, [rows, blocks, 1])
    if zeros is None:
        zero: ir.Value | float = float(2 ** (bits - 1))
    elif zeros.dtype == ir.DataType.UINT8:
        each = unpacked(scope, scope.Reshape(zeros, [rows, -1]), bits)
        zero = scope.Reshape(scope.Slice(each, [0], [blocks], [1]), [rows, blocks, 1])
    else:
        zero = scope.Reshape(scope.cast(zeros, ir.DataType.FLOAT), [rows, blocks, 1])
    real = scope.Mul(scope.cast_like(scope.Sub(numbers, zero), scale), scale)
    weights = scope.Slice(scope.Reshape(real, [rows, blocks * block]), [0], [columns], [1])
    product = scope.MatMul(a, scope.Transpose(scope.cast_like(weights, a), perm=[1, 0]))
    return [product if bias is None else scope.Add(product, bias)]


def unpacked(scope: Scope, packed: Operand, bits: int) -> ir.Value:
    """The numbers of `bits` bits in bytes (rows, bytes), the lowest bits first: (rows, more), float32."""
    if bits == 8:
        return scope.Cast(packed, to=ir.DataType.FLOAT.value)
    mask = scope.constant(np.array(2**bits - 1, dtype=np.uint8))
    parts = [
        scope.BitwiseAnd(
            packed
            if shift == 0
            else scope.BitShift(packed, scope.constant(np.array(shift, dtype=np.uint8)), direction="RIGHT"),
            mask,
        )
        for shift in range(0, 8, bits)
    ]
    # (casts first: few kernels take bytes)
    numbers = [scope.Unsqueeze(scope.Cast(part, to=ir.DataType.FLOAT.value), [2]) for part in parts]
    return scope.Flatten(scope.Concat(*numbers, axis=2), axis=1)


def matmul_bnb4(scope: Scope, node: ir.Node) -> list[Operand] | None:
    """A Wᵀ, the weights (N, K) numbers of a table of 16, scaled block by block; the highest bits first."""
    a, b, largest = node.inputs
    block = node.attributes.get_int("block_size", 64)
    rows, columns = node.attributes.get_int("N", 0), node.attributes.get_int("K", 0)
    if not node.attributes.get_int("transB", 1):
        return None
    packed = scope.Reshape(b, [-1, 1])
    four, mask = (scope.constant(np.array(number, dtype=np.uint8)) for number in (4, 15))
    places = scope.Concat(
        *(
            scope.Cast(each, to=ir.DataType.INT64.value)
            for each in (scope.BitShift(packed, four, direction="RIGHT"), scope.BitwiseAnd(packed, mask))
        ),
        axis=1,
    )
    table = NORMAL_FLOATS if node.attributes.get_int("quant_type", 1) == 1 else SHORT_FLOATS
    numbers = scope.Gather(scope.constant(table), scope.Reshape(places, [-1]))
    total = rows * columns
    blocks = -(-total // block)
    numbers = scope.Pad(scope.Slice(numbers, [0], [total], [0]), [0, blocks * block - total])
    scaled = scope.Mul(scope.Reshape(numbers, [blocks, block]), scope.Reshape(largest, [blocks, 1]))
    flat = scope.Slice(scope.Reshape(scaled, [-1]), [0], [total], [0])
    weights = scope.Reshape(flat, [rows, columns])
    return [scope.MatMul(a, scope.Transpose(scope.cast_like(weights, a), perm=[1, 0]))]


def gather_block_quantized(scope: Scope, node: ir.Node) -> list[Operand] | None:
    """Rows of a table of a few bits: picked first, so that the table stays as small as it is in the file."""
    data, indices, scales, zeros = (*node.inputs, None)[:4]
    rank = scope.rank(data)
    axis = node.attributes.get_int("gather_axis", 0) % rank
    along = node.attributes.get_int("quantize_axis", 1) % rank
    bits, block = node.attributes.get_int("bits", 4), node.attributes.get_int("block_size", 128)
    packed = data is not None and data.dtype == ir.DataType.UINT8 and bits < 8
    if axis != 0 or along != rank - 1 or rank != 2 or not block or data is None or data.dtype is None:
        return None
    places = scope.Reshape(indices, [-1])
    scale = scope.Gather(scales, places)
    rows = scope.Gather(data, places)
    numbers = unpacked(scope, rows, bits) if packed else scope.Cast(rows, to=ir.DataType.FLOAT.value)
    if zeros is not None:
        picked = scope.Gather(zeros, places)
        zero: ir.Value | float = (
            unpacked(scope, picked, bits) if packed else scope.Cast(picked, to=ir.DataType.FLOAT.value)
        )
    else:
        zero = float(2 ** (bits - 1)) if data.dtype == ir.DataType.UINT8 else 0.0
    width: Size = scope.size(data, 1) * (8 // bits if packed else 1)
    spread = [
        _repeated(scope, each, block, width) if isinstance(each, ir.Value) else each for each in (zero, scale)
    ]
    real = scope.Mul(scope.cast_like(scope.Sub(numbers, spread[0]), scale), spread[1])
    return [scope.Reshape(real, scope.Concat(scope.shape(indices), scope.ints([width]), axis=0))]


def _repeated(scope: Scope, entries: ir.Value, block: int, width: Size) -> ir.Value:
    """(rows, blocks) -> (rows, width): each entry `block` times."""
    apart = scope.Expand(scope.Unsqueeze(entries, [2]), [1, 1, block])
    return scope.Slice(scope.Flatten(apart, axis=1), [0], [width], [1])


LOWERINGS = {
    ("com.microsoft", "GatherBlockQuantized"): gather_block_quantized,
    ("com.microsoft", "MatMulBnb4"): matmul_bnb4,
    ("com.microsoft", "MatMulNBits"): matmul_nbits,
}

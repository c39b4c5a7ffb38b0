"""Shapes that files compute from run-time sizes, as exporters write them."""

from __future__ import annotations

import onnx.parser
import pytest

from inspector.model import load
from inspector.model.propagate import propagate

# torch's `token.expand(x.shape[0], -1, -1)` in front of 6 tokens: -1 becomes 1 by Equal and Where
CLASS_TOKEN = """
<ir_version: 8, opset_import: ["" : 17]>
net (float[N, 6, 4] x) => (float[N, tokens, 4] y)
<float[1, 1, 4] token = {1, 2, 3, 4}, int64[2] rest = {-1, -1}, int64 minus = {-1}, int64[1] zero = {0}>
{
    shape = Shape(x)
    count = Gather(shape, zero)
    wanted = Concat <axis = 0> (count, rest)
    rank = Constant <value_ints = [3]> ()
    ones = ConstantOfShape <value = int64[1] {1}> (rank)
    negative = Mul(ones, minus)
    same = Equal(wanted, negative)
    sizes = Where(same, ones, wanted)
    expanded = Expand(token, sizes)
    joined = Concat <axis = 1> (expanded, x)
    y = Tanh(joined)
}
"""

# torch's `pad(x, (1, 2))` of a picture: zeros are put behind the two widths, all reversed in pairs
PADDED = """
<ir_version: 8, opset_import: ["" : 17]>
net (float[N, 3, 8, 8] x) => (float[N, 3, 8, width] y)
<int64[2] widths = {1, 2}, int64[1] six = {6}, int64[2] pairs = {-1, 2}, int64[1] last = {-1},
 int64[1] lowest = {-9223372036854775807}, int64[1] first = {0}, int64[1] flat = {-1}>
{
    zeros = ConstantOfShape <value = int64[1] {0}> (six)
    all = Concat <axis = 0> (widths, zeros)
    rows = Reshape(all, pairs)
    turned = Slice(rows, last, lowest, first, last)
    columns = Transpose <perm = [1, 0]> (turned)
    pads = Reshape(columns, flat)
    padded = Pad(x, pads)
    y = Tanh(padded)
}
"""


@pytest.mark.parametrize(
    ("text", "read", "tensor", "shape"),
    [
        (CLASS_TOKEN, (2, 6, 4), "joined", ("N", 7, 4)),
        (PADDED, (2, 3, 8, 8), "padded", ("N", 3, 8, 11)),
    ],
    ids=["expand", "pad"],
)
def test_sizes_of_a_run(text: str, read: tuple[int, ...], tensor: str, shape: tuple[int | str, ...]) -> None:
    model = load(onnx.parser.parse_model(text).SerializeToString())
    assert next(layer.shape for layer in model.layers if layer.name == tensor) == shape
    assert propagate(model.graph, {"x": read})[tensor] == (2, *shape[1:])


@pytest.mark.parametrize(
    ("node", "shape"),
    [
        ("Range(zero, long, one)", (10_000_000_000,)),
        ("ConstantOfShape(wide)", (100_000, 100_000)),
        ("Expand(row, wide)", (100_000, 100_000)),
        ("Tile(square, wide)", (200_000, 200_000)),
    ],
)
def test_large_results_are_not_computed(node: str, shape: tuple[int, ...]) -> None:
    """40 GB each: only their shapes are."""
    text = f"""
    <ir_version: 8, opset_import: ["" : 17]>
    net (float[N] x) => (float[N] y)
    <int64 zero = {{0}}, int64 one = {{1}}, int64 long = {{10000000000}}, int64[2] wide = {{100000, 100000}},
     float[1, 1] row = {{1}}, float[2, 2] square = {{1, 2, 3, 4}}>
    {{ large = {node} y = Tanh(x) }}
    """
    model = load(onnx.parser.parse_model(text).SerializeToString())
    assert propagate(model.graph, {"x": (2,)})["large"] == shape

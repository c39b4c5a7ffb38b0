"""Rotary position embeddings (Su et al., RoFormer)."""

from __future__ import annotations

import onnx_ir as ir

from inspector.autodiff.lowering.fused.attention import heads, merged
from inspector.autodiff.lowering.scope import Scope
from inspector.autodiff.sizes import count
from inspector.autodiff.tape import Operand

__all__ = ["LOWERINGS", "rotated"]


def rotary_embedding(scope: Scope, node: ir.Node) -> list[Operand] | None:
    """Pairs of channels turned by an angle that grows with the position."""
    x, positions, cosines, sines = node.inputs
    if node.attributes.get_int("is_packed_batching", 0):
        return None
    places: Operand
    apart: Operand
    number, part = node.attributes.get_int("num_heads", 0), node.attributes.get_int("rotary_embedding_dim", 0)
    flat = scope.rank(x) == 3
    if flat and not number:
        size = scope.size(cosines, 1) * 2
        apart = scope.Transpose(scope.Reshape(x, [0, 0, -1, size]), perm=[0, 2, 1, 3])
    else:
        apart = heads(scope, x, number) if flat else x
    if scope.rank(positions) == 1:
        places = scope.Unsqueeze(scope.Add(positions, count(scope, scope.size(apart, 2))), [0])
    else:
        places = positions
    interleaved = node.attributes.get_int("interleaved", 0) == 1
    turned = rotated(scope, apart, places, cosines, sines, interleaved, part)
    return [merged(scope, turned) if flat else turned]


def rotated(
    scope: Scope,
    x: Operand,
    positions: Operand,
    cosines: Operand,
    sines: Operand,
    interleaved: bool,
    part: int = 0,
) -> ir.Value:
    """`x` (batch, heads, sequence, size), the first `part` channels (0: all) turned; positions (batch, sequence)."""
    cosine, sine = (scope.Unsqueeze(scope.Gather(table, positions), [1]) for table in (cosines, sines))
    rest: list[ir.Value] = []
    if part:
        x, left = scope.op("Split", x, [part, scope.size(x, 3) - part], outputs=2, axis=3)
        rest = [left]
    if interleaved:
        pairs = scope.Reshape(x, [0, 0, 0, -1, 2])
        first, second = (
            scope.Squeeze(each, [4]) for each in scope.op("Split", pairs, outputs=2, axis=4, num_outputs=2)
        )
    else:
        first, second = scope.op("Split", x, outputs=2, axis=3, num_outputs=2)
    real = scope.Sub(scope.Mul(first, cosine), scope.Mul(second, sine))
    imaginary = scope.Add(scope.Mul(first, sine), scope.Mul(second, cosine))
    if interleaved:
        stacked = scope.Concat(scope.Unsqueeze(real, [4]), scope.Unsqueeze(imaginary, [4]), axis=4)
        turned = scope.Reshape(stacked, [0, 0, 0, -1])
    else:
        turned = scope.Concat(real, imaginary, axis=3)
    return scope.Concat(turned, *rest, axis=3) if rest else turned


LOWERINGS = {("com.microsoft", "RotaryEmbedding"): rotary_embedding}

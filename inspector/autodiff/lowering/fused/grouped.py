"""Attention whose keys and values serve several heads of queries each, with a cache, as language models have it."""

from __future__ import annotations

import onnx_ir as ir

from inspector.autodiff.lowering.fused.attention import default_scale, heads, merged
from inspector.autodiff.lowering.fused.masks import lowest
from inspector.autodiff.lowering.fused.rotary import rotated
from inspector.autodiff.lowering.scope import Scope
from inspector.autodiff.sizes import count
from inspector.autodiff.tape import Operand

__all__ = ["LOWERINGS"]


def grouped_query_attention(scope: Scope, node: ir.Node) -> list[Operand] | None:
    """Causal attention in groups of heads (Ainslie et al., GQA), with rotary positions and a cache where asked for.

    All sequences of a batch are taken to be as long as each other.
    """
    query, key, value, past_key, past_value, lengths, total, cosines, sines, places, added, sink = (
        *node.inputs,
        *[None] * 7,
    )[:12]
    if any(value is not None for value in node.inputs[12:]) or any(
        output.uses() for output in node.outputs[3:]
    ):
        return None
    if node.attributes.get_int("sliding_window_cache", 0) == 1 or lengths is None or total is None:
        return None
    count, shared = node.attributes.get_int("num_heads", 1), node.attributes.get_int("kv_num_heads", 1)
    q, k, v = _apart(scope, query, key, value, count, shared)
    before = _before(scope, lengths, total, q)
    if node.attributes.get_int("do_rotary", 0) == 1:
        interleaved = node.attributes.get_int("rotary_interleaved", 0) == 1
        positions = places if places is not None else _positions(scope, before, q)
        part = scope.size(cosines, 1) * 2
        width = scope.size(q, 3)
        turned = part if isinstance(part, int) and part != width else 0
        q, k = (rotated(scope, each, positions, cosines, sines, interleaved, turned) for each in (q, k))
    if past_key is not None and past_value is not None:
        kept = scope.Reshape(scope.Sub(scope.cast(total, ir.DataType.INT64), _length(scope, q)), [1])
        k, v = (
            scope.Concat(scope.Slice(cache, [0], kept, [2]), new, axis=2)
            for cache, new in ((past_key, k), (past_value, v))
        )
    scores = _scores(scope, node, q, _for_all_heads(scope, k, count, shared))
    if added is not None:
        scores = scope.Add(scores, added)
    if node.attributes.get_int("causal", 1) == 1:
        scores = scope.Where(_visible(scope, node, before, q, k), scores, lowest(scores))
    weights = _weights(scope, node, scores, sink)
    result = scope.MatMul(weights, _for_all_heads(scope, v, count, shared))
    found: list[Operand] = [merged(scope, result), k, v, None]
    return found[: len(node.outputs)]


def _apart(
    scope: Scope, query: Operand, key: Operand, value: Operand, count: int, shared: int
) -> tuple[ir.Value, ir.Value, ir.Value]:
    """(batch, heads, sequence, size) each; without keys and values all three lie side by side in `query`."""
    if key is not None and value is not None:
        return heads(scope, query, count), heads(scope, key, shared), heads(scope, value, shared)
    every = scope.Transpose(scope.Reshape(query, [0, 0, count + 2 * shared, -1]), perm=[0, 2, 1, 3])
    q, k, v = scope.op("Split", every, scope.ints([count, shared, shared]), outputs=3, axis=1)
    return q, k, v


def _length(scope: Scope, q: ir.Value) -> ir.Value:
    return scope.Squeeze(scope.ints([scope.size(q, 2)]))


def _before(scope: Scope, lengths: ir.Value, total: ir.Value, q: ir.Value) -> ir.Value:
    """How many positions each sequence had before these queries, (batch, 1); 0 where these are the first."""
    length = _length(scope, q)
    numbers = scope.Sub(scope.Add(scope.cast(lengths, ir.DataType.INT64), 1), length)
    first = scope.Equal(scope.Reshape(scope.cast(total, ir.DataType.INT64), []), length)
    return scope.Reshape(scope.Where(first, 0, numbers), [-1, 1])


def _positions(scope: Scope, before: ir.Value, q: ir.Value) -> ir.Value:
    """(batch, queries)."""
    return scope.Add(before, scope.Unsqueeze(count(scope, scope.size(q, 2)), [0]))


def _for_all_heads(scope: Scope, x: ir.Value, count: int, shared: int) -> ir.Value:
    """Each of the `shared` heads for `count // shared` heads of queries."""
    if count == shared:
        return x
    sizes = scope.sizes(x)
    apart = scope.Expand(scope.Unsqueeze(x, [2]), [sizes[0], shared, count // shared, sizes[2], sizes[3]])
    return scope.Reshape(apart, [sizes[0], count, sizes[2], sizes[3]])


def _scores(scope: Scope, node: ir.Node, q: ir.Value, k: ir.Value) -> ir.Value:
    scale = node.attributes.get_float("scale", 0.0)
    products = scope.MatMul(q, scope.Transpose(k, perm=[0, 1, 3, 2]))
    products = scope.Mul(products, scale or default_scale(scope, q))
    cap = node.attributes.get_float("softcap", 0.0)
    return scope.Mul(scope.Tanh(scope.Mul(products, 1 / cap)), cap) if cap else products


def _visible(scope: Scope, node: ir.Node, before: ir.Value, q: ir.Value, k: ir.Value) -> ir.Value:
    """Which keys each query sees, (batch, 1, queries, keys): none after it, and only so many before it."""
    rows = scope.Unsqueeze(_positions(scope, before, q), [1, 3])
    columns = count(scope, scope.size(k, 2))
    seen = scope.LessOrEqual(columns, rows)
    window = node.attributes.get_int("local_window_size", -1)
    if window > 0:
        seen = scope.And(seen, scope.Greater(columns, scope.Sub(rows, window)))
    return seen


def _weights(scope: Scope, node: ir.Node, scores: ir.Value, sink: Operand) -> ir.Value:
    """Softmax; with a further score that takes its share and is left out where there is one (0, or `sink` per head)."""
    if sink is None and node.attributes.get_int("smooth_softmax", 0) != 1:
        return scope.Softmax(scores, axis=-1)
    column = scope.Mul(scope.ReduceMax(scores, [3], keepdims=1), 0)
    if sink is not None:
        column = scope.Add(column, scope.Reshape(scope.cast_like(sink, scores), [1, -1, 1, 1]))
    weights = scope.Softmax(scope.Concat(scores, column, axis=3), axis=-1)
    return scope.Slice(weights, [0], [scope.size(scores, 3)], [3])


LOWERINGS = {("com.microsoft", "GroupQueryAttention"): grouped_query_attention}

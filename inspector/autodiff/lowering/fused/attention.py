"""Attention of transformers: scaled products of queries and keys, a softmax, and values weighted by it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import onnx_ir as ir

from inspector.autodiff.lowering.fused.masks import causal_mask, filtered
from inspector.autodiff.lowering.scope import Scope
from inspector.autodiff.sizes import Size
from inspector.autodiff.tape import Operand

__all__ = ["LOWERINGS", "attention_of", "default_scale", "heads", "merged"]


@dataclass
class Heads:
    """Queries, keys and values, (batch, heads, sequence, size), and what is added to their products."""

    query: ir.Value
    key: ir.Value
    value: ir.Value
    scale: float | None = None
    biases: list[ir.Value] = field(default_factory=list)


def attend(scope: Scope, given: Heads) -> tuple[ir.Value, ir.Value]:
    """softmax(q kT * scale + biases) v (Vaswani et al., Attention Is All You Need, 3.2.1), and the scores before it."""
    scores = _scores(scope, given)
    return scope.MatMul(scope.Softmax(scores, axis=-1), given.value), scores


def _scores(scope: Scope, given: Heads) -> ir.Value:
    scale = given.scale or default_scale(scope, given.query)
    scores = scope.Mul(scope.MatMul(given.query, scope.Transpose(given.key, perm=[0, 1, 3, 2])), scale)
    for bias in given.biases:
        scores = scope.Add(scores, scope.cast_like(bias, scores))
    return scores


def default_scale(scope: Scope, query: ir.Value) -> float | ir.Value:
    """One over the root of the size of (batch, heads, sequence, size)."""
    size = scope.size(query, 3)
    if isinstance(size, int):
        return 1 / math.sqrt(size)
    return scope.Reciprocal(scope.Sqrt(scope.cast_like(scope.ints([size]), query)))


def heads(scope: Scope, x: Operand, count: int) -> ir.Value:
    """(batch, sequence, heads * size) -> (batch, heads, sequence, size)."""
    return scope.Transpose(scope.Reshape(x, [0, 0, count, -1]), perm=[0, 2, 1, 3])


def merged(scope: Scope, x: Operand) -> ir.Value:
    """The way back."""
    return scope.Reshape(scope.Transpose(x, perm=[0, 2, 1, 3]), [0, 0, -1])


def attention(scope: Scope, node: ir.Node) -> list[Operand] | None:
    """Self-attention with the projections of queries, keys and values before it."""
    x, weights, bias, mask, past, added, shared = (*node.inputs, *[None] * 5)[:7]
    if shared is not None or node.attributes.get_int("do_rotary", 0) == 1:
        return None
    projected = scope.MatMul(x, weights)
    if bias is not None:
        projected = scope.Add(projected, bias)
    return attention_of(scope, node, projected, mask, past, added)


def attention_of(
    scope: Scope, node: ir.Node, projected: ir.Value, mask: Operand, past: Operand, added: Operand = None
) -> list[Operand] | None:
    """Attention of queries, keys and values that lie side by side along the last axis."""
    count = node.attributes.get_int("num_heads", 1)
    sizes = node.attributes.get_ints("qkv_hidden_sizes")
    if sizes:
        parts = scope.op("Split", projected, scope.ints(sizes), outputs=3, axis=-1)
    else:
        parts = scope.op("Split", projected, outputs=3, axis=-1, num_outputs=3)
    query, key, value = (heads(scope, part, count) for part in parts)
    if past is not None:
        before = scope.op("Split", past, outputs=2, axis=0, num_outputs=2)
        keys, values = (scope.Squeeze(each, [0]) for each in before)
        key, value = scope.Concat(keys, key, axis=2), scope.Concat(values, value, axis=2)
    given = Heads(query, key, value, node.attributes.get_float("scale", 0.0))
    if not _mask(scope, node, given, mask, added):
        return None
    result, _ = attend(scope, given)
    present = None
    if len(node.outputs) > 1:
        present = scope.Concat(scope.Unsqueeze(key, [0]), scope.Unsqueeze(value, [0]), axis=0)
    found: list[Operand] = [merged(scope, result), present]
    return found[: len(node.outputs)]


def multi_head_attention(scope: Scope, node: ir.Node) -> list[Operand] | None:
    """Attention of queries, keys and values that are given apart, or packed."""
    query, key, value, bias, mask, added, past_key, past_value, shared, indirection = (
        *node.inputs,
        *[None] * 9,
    )[:10]
    if shared is not None or indirection is not None:
        return None
    count = node.attributes.get_int("num_heads", 1)
    apart = _apart(scope, query, key, value, bias, count)
    if apart is None:
        return None
    q, k, v = apart
    if past_key is not None and past_value is not None:
        k, v = scope.Concat(past_key, k, axis=2), scope.Concat(past_value, v, axis=2)
    given = Heads(q, k, v, node.attributes.get_float("scale", 0.0))
    if not _mask(scope, node, given, mask, added):
        return None
    result, scores = attend(scope, given)
    found: list[Operand] = [merged(scope, result), k, v, scores]
    return found[: len(node.outputs)]


def _mask(scope: Scope, node: ir.Node, given: Heads, mask: Operand, added: Operand) -> bool:
    """Add to the biases of `given` what hides keys, and what is added; whether the form of the mask is known."""
    query, keys = given.query, scope.size(given.key, 2)
    if mask is not None:
        number = node.attributes.get_float("mask_filter_value", -10000.0)
        hidden = filtered(scope, mask, scope.size(query, 0), keys, query, number)
        if hidden is None:
            return False
        given.biases.append(hidden)
    if node.attributes.get_int("unidirectional", 0):
        given.biases.append(causal_mask(scope, scope.size(query, 2), keys, query))
    if added is not None:
        given.biases.append(added)
    return True


def _apart(
    scope: Scope, query: Operand, key: Operand, value: Operand, bias: Operand, count: int
) -> tuple[ir.Value, ir.Value, ir.Value] | None:
    """(batch, heads, sequence, size) each."""
    if scope.rank(query) == 5:
        packed = scope.op("Split", query, outputs=3, axis=3, num_outputs=3)
        q, k, v = (scope.Reshape(each, [0, 0, -1]) for each in packed)
    elif key is not None and scope.rank(key) == 5:
        packed = scope.op("Split", key, outputs=2, axis=3, num_outputs=2)
        assert query is not None
        q, (k, v) = query, (scope.Reshape(each, [0, 0, -1]) for each in packed)
    elif key is None or value is None or query is None:
        return None
    else:
        q, k, v = query, key, value
    if bias is not None:
        sizes = [scope.size(q, -1), scope.size(k, -1), scope.size(v, -1)]
        if scope.rank(k) == 4:
            q = scope.Add(q, scope.Slice(bias, [0], [sizes[0]], [0]))
        else:
            offsets: list[Size] = [0, sizes[0], sizes[0] + sizes[1], sizes[0] + sizes[1] + sizes[2]]
            q, k, v = (
                scope.Add(each, scope.Slice(bias, [offsets[place]], [offsets[place + 1]], [0]))
                for place, each in enumerate((q, k, v))
            )
    k, v = (each if scope.rank(each) == 4 else heads(scope, each, count) for each in (k, v))
    return heads(scope, q, count), k, v


LOWERINGS = {
    ("com.microsoft", "Attention"): attention,
    ("com.microsoft", "MultiHeadAttention"): multi_head_attention,
}

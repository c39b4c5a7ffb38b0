"""Scaled dot product attention, with grouped heads, a cache, masks and a soft cap.

Vaswani et al., Attention is all you need (2017), section 3.2.1; Ainslie et al., GQA (2023), section 2.
With P = softmax(cap(s Q K') + bias) and Y = P V, and primes for transposes: gV = P' gY, gP = gY V', and through the
softmax gS = P (gP - sum(P gP)), in which a masked element is zero, as P is; then gQ = s gS K, gK = s gS' Q.
"""

from __future__ import annotations

import math

import onnx_ir as ir

from inspector.autodiff.broadcasting import dims, unbroadcast
from inspector.autodiff.sizes import Size
from inspector.autodiff.tape import Operand, Pullback, Tape, Values

PROBABILITIES = 3
"""The mode in which the operator itself gives P."""


def attention(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    inputs = [*node.inputs, *[None] * 4][:7]
    g, g_keys, g_values, g_scores = [*cotangents, None, None, None][:4]
    queries, keys, values, mask, past_keys, past_values, _ = inputs
    heads = _Heads(tape, node)
    q = heads.split(queries, heads.of_queries)
    k = heads.joined(past_keys, heads.split(keys, heads.of_keys))
    v = heads.joined(past_values, heads.split(values, heads.of_keys))
    mode = node.attributes.get_int("qk_matmul_output_mode", 0)
    scale = node.attributes.get_float("scale", 0.0) or heads.default_scale(q)
    p = heads.grouped(_probabilities(tape, node))

    # cotangents of the probabilities, of the scores with their bias, and of the scores before the cap
    parts: list[Operand] = []
    gv: Operand = None
    if g is not None:
        gy = heads.grouped(heads.split(g, heads.of_queries))
        parts.append(tape.MatMul(gy, _flipped(tape, heads.shared(v))))
        gv = tape.ReduceSum(tape.MatMul(_flipped(tape, p), gy), [2], keepdims=0)
    at_scores = None if g_scores is None else heads.grouped(g_scores)
    if at_scores is not None and mode == PROBABILITIES:
        parts.append(at_scores)
        at_scores = None
    gs: Operand = None
    if parts:
        gp = parts[0] if len(parts) == 1 else tape.Sum(*parts)
        weighted = tape.Mul(gp, p)
        gs = tape.Sub(weighted, tape.Mul(p, tape.ReduceSum(weighted, [-1], keepdims=1)))
    g_mask: Operand = None
    if mask is not None and tape.wants(mask):
        biased = [each for each in (gs, at_scores if mode == 2 else None) if each is not None]
        g_mask = heads.of_mask(tape.Sum(*biased), mask) if biased else None
    capped = [each for each in (gs, at_scores if mode in (1, 2) else None) if each is not None]
    raw: list[Operand] = []
    if capped:
        raw.append(_through_cap(tape, node, heads, tape.Sum(*capped), q, k, scale))
    if at_scores is not None and mode == 0:
        raw.append(at_scores)
    gq = gk = None
    if raw:
        scores = tape.Mul(tape.Sum(*raw), scale)
        gq = heads.merged(tape.MatMul(scores, heads.shared(k)), queries)
        gk = tape.ReduceSum(tape.MatMul(_flipped(tape, scores), heads.grouped(q)), [2], keepdims=0)
    g_past_keys, g_new_keys = heads.parted(_sum(tape, gk, g_keys), past_keys)
    g_past_values, g_new_values = heads.parted(_sum(tape, gv, g_values), past_values)
    pulled = [
        gq,
        heads.ungrouped(g_new_keys, keys),
        heads.ungrouped(g_new_values, values),
        g_mask,
        g_past_keys,
        g_past_values,
        None,
    ]
    return pulled[: len(node.inputs)]


class _Heads:
    """Views of the operands as (batch, key heads, queries per key head, tokens, features)."""

    def __init__(self, tape: Tape, node: ir.Node) -> None:
        self.tape = tape
        queries, keys = node.inputs[:2]
        flat = tape.rank(queries) == 3
        attributes = node.attributes
        self.of_queries: Size = attributes["q_num_heads"].as_int() if flat else tape.size(queries, 1)
        self.of_keys: Size = attributes["kv_num_heads"].as_int() if flat else tape.size(keys, 1)

    def split(self, x: Operand, count: Size) -> Operand:
        """(batch, heads, tokens, features); of three axes, the last holds the heads one after the other."""
        tape = self.tape
        if x is None or tape.rank(x) == 4:
            return x
        four = tape.Reshape(x, tape.ints([tape.size(x, 0), tape.size(x, 1), count, -1]))
        four.shape = ir.Shape([None] * 4)
        result = tape.Transpose(four, perm=[0, 2, 1, 3])
        features, lead = tape.size(x, 2), (tape.size(x, 0), count, tape.size(x, 1))
        each = features // count if isinstance(features, int) and isinstance(count, int) else None
        result.shape = ir.Shape([*(_static(size) for size in lead), each])
        return result

    def joined(self, past: Operand, new: Operand) -> Operand:
        return new if past is None else self.tape.Concat(past, new, axis=2)

    def grouped(self, x: Operand) -> ir.Value:
        """The heads of the queries by the head of the keys that they share."""
        tape = self.tape
        tail = tape.Shape(x, start=2)
        lead = tape.Concat(tape.Shape(x, start=0, end=1), tape.ints([self.of_keys, -1]), axis=0)
        return tape.Reshape(x, tape.Concat(lead, tail, axis=0))

    def shared(self, x: Operand) -> ir.Value:
        return self.tape.Unsqueeze(x, [2])

    def merged(self, g: Operand, like: Operand) -> Operand:
        """Back from groups to the shape of `like`."""
        tape = self.tape
        if tape.rank(like) == 3:
            g = tape.Transpose(g, perm=[0, 3, 1, 2, 4])
        return tape.reshape_like(g, like)

    def ungrouped(self, g: Operand, like: Operand) -> Operand:
        """(batch, heads, tokens, features) with the shape of `like`."""
        tape = self.tape
        if g is None or tape.rank(like) == 4:
            return g
        return tape.reshape_like(tape.Transpose(g, perm=[0, 2, 1, 3]), like)

    def parted(self, g: Operand, past: Operand) -> tuple[Operand, Operand]:
        """What came of the cache, and what was new."""
        if past is None or g is None:
            return None, g
        tape = self.tape
        length = tape.ints([tape.size(past, 2)])
        return tape.Slice(g, [0], length, [2]), tape.Slice(g, length, [2**31 - 1], [2])

    def of_mask(self, g: Operand, mask: Operand) -> Operand:
        """Summed over what the mask was repeated along; it may be shorter than the keys."""
        tape = self.tape
        four = tape.Concat(
            tape.Shape(g, start=0, end=1), tape.ints([self.of_queries]), tape.Shape(g, start=3), axis=0
        )
        whole = tape.Reshape(g, four)
        sizes = dims(mask) or []
        known = None
        if sizes and sizes[-1] != 1:
            whole = tape.Slice(whole, [0], tape.ints([tape.size(mask, -1)]), [-1])
            known = [None, None, None, sizes[-1]]
        return unbroadcast(tape, whole, known, mask)

    def default_scale(self, q: Operand) -> float | ir.Value:
        """One over the root of the number of features."""
        tape = self.tape
        features = tape.size(q, -1)
        if isinstance(features, int):
            return 1 / math.sqrt(features)
        return tape.Reciprocal(tape.Sqrt(tape.cast_like(features.value, q)))


def _probabilities(tape: Tape, node: ir.Node) -> ir.Value:
    """P, given by the operator itself: all its masks are in it."""
    attributes = {name: attribute.value for name, attribute in node.attributes.items()}
    attributes["qk_matmul_output_mode"] = PROBABILITIES
    return tape.op("Attention", *node.inputs, outputs=4, **attributes)[3]


def _through_cap(
    tape: Tape, node: ir.Node, heads: _Heads, g: Operand, q: Operand, k: Operand, scale: float | ir.Value
) -> Operand:
    """Scores are capped at c tanh(s / c), whose derivative is 1 - tanh^2."""
    cap = node.attributes.get_float("softcap", 0.0)
    if not cap:
        return g
    scores = tape.MatMul(heads.grouped(q), _flipped(tape, heads.shared(k)))
    bend = tape.Tanh(tape.Div(tape.Mul(scores, scale), cap))
    return tape.Mul(g, tape.Sub(1, tape.Mul(bend, bend)))


def _flipped(tape: Tape, x: Operand) -> ir.Value:
    return tape.Transpose(x, perm=[0, 1, 2, 4, 3])


def _sum(tape: Tape, a: Operand, b: Operand) -> Operand:
    return b if a is None else a if b is None else tape.Add(a, b)


def _static(size: Size) -> int | None:
    return size if isinstance(size, int) else None


RULES: dict[str, Pullback] = {"Attention": attention}

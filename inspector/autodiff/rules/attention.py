"""Scaled dot product attention, with grouped heads, a cache, masks and a soft cap.

Vaswani et al., Attention is all you need (2017), section 3.2.1; Ainslie et al., GQA (2023), section 2.
With P = softmax(cap(s Q K') + bias) and Y = P V, and primes for transposes: gV = P' gY, gP = gY V', and through the
softmax gS = P (gP - sum(P gP)), in which a masked element is zero, as P is; then gQ = s gS K, gK = s gS' Q.
"""

from __future__ import annotations

import math

import onnx_ir as ir

from inspector.autodiff.broadcasting import dims, unbroadcast
from inspector.autodiff.rules.activations import through_softmax
from inspector.autodiff.rules.linear import transposed
from inspector.autodiff.sizes import Size
from inspector.autodiff.tape import Operand, Pullback, Tape, Values

PROBABILITIES = 3
"""The mode in which the operator itself gives P."""


def attention(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    g, g_keys, g_values, g_scores = (_wide(tape, each) for each in [*cotangents, None, None, None][:4])
    queries, keys, values, mask, past_keys, past_values = [*node.inputs, None, None, None][:6]
    heads = _Heads(tape, node)
    q = heads.grouped(heads.split(tape.widened(queries), heads.of_queries), heads.features)
    k = tape.widened(heads.joined(past_keys, heads.split(keys, heads.of_keys)))
    v = tape.widened(heads.joined(past_values, heads.split(values, heads.of_keys)))
    mode = node.attributes.get_int("qk_matmul_output_mode", 0)
    scale = node.attributes.get_float("scale", 0.0) or heads.default_scale(q)
    p = heads.grouped(tape.widened(_probabilities(tape, node)), heads.keys)

    # cotangents of the probabilities, of the scores with their bias, and of the scores before the cap
    gp: Operand = None
    gv: Operand = None
    if g is not None:
        gy = heads.grouped(heads.split(g, heads.of_queries), heads.value_features)
        gp = tape.MatMul(gy, transposed(tape, heads.shared(v), 5))
        gv = tape.ReduceSum(tape.MatMul(transposed(tape, p, 5), gy), [2], keepdims=0)
    at_scores = None if g_scores is None else heads.grouped(g_scores, heads.keys)
    if at_scores is not None and mode == PROBABILITIES:
        gp, at_scores = _sum(tape, gp, at_scores), None
    gs: Operand = None
    if gp is not None:
        gs = through_softmax(tape, gp, p, -1)
    g_mask: Operand = None
    if mask is not None and tape.wants(mask):
        biased = _sum(tape, gs, at_scores if mode == 2 else None)
        g_mask = biased if biased is None else heads.of_mask(biased, mask)
    capped = _sum(tape, gs, at_scores if mode in (1, 2) else None)
    if capped is not None:
        capped = _through_cap(tape, node, heads, capped, q, k, scale)
    raw = _sum(tape, capped, at_scores if mode == 0 else None)
    gq = gk = None
    if raw is not None:
        scores = tape.Mul(raw, scale)
        gq = heads.merged(tape.MatMul(scores, heads.shared(k)), queries)
        gk = tape.ReduceSum(tape.MatMul(transposed(tape, scores, 5), q), [2], keepdims=0)
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
        queries, keys, values, _, past = [*node.inputs, None, None][:5]
        self.batch: Size = tape.size(queries, 0)
        self.flat = flat = tape.rank(queries) == 3
        tokens = 1 if flat else 2
        self.of_queries: Size = node.attributes["q_num_heads"].as_int() if flat else tape.size(queries, 1)
        self.of_keys: Size = node.attributes["kv_num_heads"].as_int() if flat else tape.size(keys, 1)
        self.tokens: Size = tape.size(queries, tokens)
        self.keys: Size = tape.size(keys, tokens) + (0 if past is None else tape.size(past, 2))
        self.features: Size = tape.size(queries, -1) // (self.of_queries if flat else 1)
        self.value_features: Size = tape.size(values, -1) // (self.of_keys if flat else 1)

    def split(self, x: Operand, count: Size) -> Operand:
        """(batch, heads, tokens, features); of three axes, the last holds the heads one after the other."""
        tape = self.tape
        if x is None or not self.flat:
            return x
        four = tape.Reshape(x, tape.ints([self.batch, tape.size(x, 1), count, -1]))
        return tape.Transpose(four, perm=[0, 2, 1, 3])

    def joined(self, past: Operand, new: Operand) -> Operand:
        return new if past is None else self.tape.Concat(past, new, axis=2)

    def grouped(self, x: Operand, last: Size) -> ir.Value:
        """The heads of the queries by the head of the keys that they share; `last` is the length of the last axis."""
        each = self.of_queries // self.of_keys
        return self.tape.Reshape(x, self.tape.ints([self.batch, self.of_keys, each, self.tokens, last]))

    def shared(self, x: Operand) -> ir.Value:
        return self.tape.Unsqueeze(x, [2])

    def merged(self, g: Operand, like: Operand) -> Operand:
        """Back from groups to the shape of `like`."""
        tape = self.tape
        if self.flat:
            g = tape.Transpose(g, perm=[0, 3, 1, 2, 4])
        return tape.reshape_like(g, like)

    def ungrouped(self, g: Operand, like: Operand) -> Operand:
        """(batch, heads, tokens, features) with the shape of `like`."""
        tape = self.tape
        if g is None or not self.flat:
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
        """Summed over what the mask was repeated along; the mask may be shorter than the keys."""
        tape = self.tape
        whole: Operand = tape.Reshape(g, tape.ints([self.batch, self.of_queries, self.tokens, self.keys]))
        sizes = dims(mask) or []
        known = None
        if sizes and sizes[-1] != 1:
            whole = tape.Slice(whole, [0], tape.ints([tape.size(mask, -1)]), [-1])
            known = [None, None, None, sizes[-1]]
        return unbroadcast(tape, whole, known, mask)

    def default_scale(self, q: Operand) -> float | ir.Value:
        """One over the root of the number of features."""
        tape = self.tape
        features = self.features
        if isinstance(features, int):
            return 1 / math.sqrt(features)
        return tape.Reciprocal(tape.Sqrt(tape.cast_like(features.value, q)))


def _probabilities(tape: Tape, node: ir.Node) -> ir.Value:
    """P, given by the operator itself: all its masks are in it."""
    attributes = {name: attribute.value for name, attribute in node.attributes.items()}
    attributes["qk_matmul_output_mode"] = PROBABILITIES
    _, keys, values, probabilities = tape.op("Attention", *node.inputs, outputs=4, **attributes)
    if len(node.inputs) > 6 and node.inputs[6] is not None:
        # keys of which only some count are no cache that grows: nothing present may be asked for
        keys.name = values.name = ""
    return probabilities


def _through_cap(
    tape: Tape, node: ir.Node, heads: _Heads, g: Operand, q: Operand, k: Operand, scale: float | ir.Value
) -> Operand:
    """Scores are capped at c tanh(s / c), whose derivative is 1 - tanh^2."""
    cap = node.attributes.get_float("softcap", 0.0)
    if not cap:
        return g
    scores = tape.MatMul(q, transposed(tape, heads.shared(k), 5))
    bend = tape.Tanh(tape.Div(tape.Mul(scores, scale), cap))
    return tape.Mul(g, tape.Sub(1, tape.Mul(bend, bend)))


def _sum(tape: Tape, a: Operand, b: Operand) -> Operand:
    return b if a is None else a if b is None else tape.Add(a, b)


def _wide(tape: Tape, x: Operand) -> Operand:
    return None if x is None else tape.widened(x)


RULES: dict[str, Pullback] = {"Attention": attention}

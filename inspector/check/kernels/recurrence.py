"""Linear recurrences over time, which onnx.reference computes in single precision."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from inspector.check.kernels.call import Array, Call, Kernel

__all__ = ["KERNELS"]


def causal_conv_with_state(
    _: Call,
    x: Array,
    weight: Array,
    bias: Array | None = None,
    past: Array | None = None,
    *,
    activation: str | None = "none",
) -> tuple[Array, Array]:
    """Each channel with a kernel of its own over what came before; (batch, channels, length)."""
    width = weight.shape[2] - 1
    before = np.zeros((*x.shape[:2], width), x.dtype) if past is None else past
    padded = np.concatenate([before, x], axis=2)
    y = np.einsum("bclk,ck->bcl", sliding_window_view(padded, width + 1, axis=2), weight[:, 0])
    if bias is not None:
        y = y + bias[:, None]
    if activation in ("silu", "swish"):
        y = y / (1 + np.exp(-y))
    return y, padded[:, :, padded.shape[2] - width :]


def linear_attention(
    _: Call,
    query: Array,
    key: Array,
    value: Array,
    past: Array | None = None,
    decay: Array | None = None,
    beta: Array | None = None,
    *,
    kv_num_heads: int,
    q_num_heads: int,
    update_rule: str | None = "gated_delta",
    scale: float | None = 0.0,
    chunk_size: int | None = 64,
) -> tuple[Array, Array]:
    """By state = exp(decay) * state + key (value or its delta)'; output = scale * state' query."""
    q, k, v = _heads(query, q_num_heads), _heads(key, kv_num_heads), _heads(value, kv_num_heads)
    batch, _, steps, features = k.shape
    state = np.zeros((batch, kv_num_heads, features, v.shape[-1])) if past is None else past.copy()
    gate = None if decay is None else np.exp(_heads(decay, kv_num_heads))
    rate = None if beta is None else _heads(beta, beta.shape[-1])
    outputs = []
    for step in range(steps):
        if gate is not None:
            state = state * gate[:, :, step, :, None]
        update = v[:, :, step]
        if rate is not None:
            recalled = np.einsum("bhkv,bhk->bhv", state, k[:, :, step])
            update = rate[:, :, step] * (update - recalled)
        state = state + k[:, :, step, :, None] * update[:, :, None, :]
        read = np.repeat(state, q_num_heads // kv_num_heads, axis=1)
        outputs.append(np.einsum("bhkv,bhk->bhv", read, q[:, :, step]))
    y = np.stack(outputs, axis=1) * (scale or 1 / np.sqrt(features))
    return y.reshape(batch, steps, -1), state


def _heads(x: Array, count: int) -> Array:
    """(batch, steps, heads * features) -> (batch, heads, steps, features)."""
    result: Array = x.reshape(*x.shape[:2], count, -1).transpose(0, 2, 1, 3)
    return result


KERNELS: dict[str, Kernel] = {
    "CausalConvWithState": causal_conv_with_state,
    "LinearAttention": linear_attention,
}

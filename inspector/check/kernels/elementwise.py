"""Element-wise functions that onnx.reference computes in single precision, and the soft maxima of old opsets."""

from __future__ import annotations

from math import prod

import numpy as np

from inspector.check.kernels.call import Array, Call
from inspector.check.kernels.error_function import error_function

__all__ = ["erf", "gelu", "hardmax", "identity", "log_softmax", "softmax"]


def identity(_: Call, x: Array) -> Array:
    """Without a copy: a file may read the same weights through dozens of them."""
    return x


def erf(_: Call, x: Array) -> Array:
    return error_function(x)


def gelu(call: Call, x: Array, *, approximate: str = "none") -> Array:
    if approximate == "tanh":
        bend: Array = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
    else:
        bend = erf(call, x / np.sqrt(2))
    result: Array = 0.5 * x * (1 + bend)
    return result


def softmax(call: Call, x: Array, *, axis: int = -1) -> Array:
    result: Array = np.exp(log_softmax(call, x, axis=axis))
    return result


def log_softmax(call: Call, x: Array, *, axis: int = -1) -> Array:
    flat, over = _rows(call, x, axis)
    shift = flat - flat.max(axis=over, keepdims=True, initial=-np.inf)
    result: Array = shift - np.log(np.exp(shift).sum(axis=over, keepdims=True))
    return result.reshape(x.shape)


def hardmax(call: Call, x: Array, *, axis: int = -1) -> Array:
    flat, over = _rows(call, x, axis)
    result = np.zeros_like(flat)
    np.put_along_axis(result, np.expand_dims(flat.argmax(axis=over), over), 1, axis=over)
    return result.reshape(x.shape)


def _rows(call: Call, x: Array, axis: int) -> tuple[Array, int]:
    """Before opset 13 the axes from `axis` (default 1) on are taken together."""
    if call.opset >= 13:
        return x, axis
    first = (axis if "axis" in call.given else 1) % x.ndim
    return x.reshape(prod(x.shape[:first]), prod(x.shape[first:])), 1

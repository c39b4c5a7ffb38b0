"""Operators of ai.onnx.ml that onnx.reference computes in single precision, in part, or unlike the standard's text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from inspector.check.kernels.call import Array, Call, Kernel
from inspector.check.kernels.elementwise import softmax

__all__ = ["KERNELS"]


def scaler(
    _: Call, x: Array, *, offset: Sequence[float] | None = None, scale: Sequence[float] | None = None
) -> Array:
    result: Array = (x - np.asarray(offset or [0.0])) * np.asarray(scale or [1.0])
    return result


def normalizer(_: Call, x: Array, *, norm: str = "MAX") -> Array:
    """Over the last axis; the text and onnxruntime take the largest element, onnx.reference the largest magnitude."""
    if norm == "MAX":
        size = x.max(axis=-1, keepdims=True)
    else:
        size = (np.abs(x) ** (2 if norm == "L2" else 1)).sum(axis=-1, keepdims=True)
        size = np.sqrt(size) if norm == "L2" else size
    result: Array = np.divide(x, size, out=x.copy(), where=size != 0)
    return result


def linear_regressor(
    call: Call,
    x: Array,
    *,
    coefficients: Sequence[float],
    intercepts: Sequence[float] | None = None,
    targets: int = 1,
    post_transform: str = "NONE",
) -> Array:
    return _transformed(call, _scores(x, coefficients, intercepts, targets), post_transform)


def linear_classifier(
    call: Call,
    x: Array,
    *,
    coefficients: Sequence[float],
    intercepts: Sequence[float] | None = None,
    classlabels_ints: Sequence[int] | None = None,
    classlabels_strings: Sequence[str] | None = None,
    multi_class: int = 0,
    post_transform: str = "NONE",
) -> tuple[Array, Array]:
    labels = np.asarray(classlabels_ints or classlabels_strings)
    if len(labels) == 2 and intercepts and len(intercepts) == 1:
        # (the text says nothing of this: onnxruntime does so, and leaves a softmax out)
        score = _scores(x, coefficients, intercepts, 1)
        chance = score if post_transform == "SOFTMAX" else _transformed(call, score, post_transform)
        return labels[(score[:, 0] > 0).astype(int)], np.concatenate([1 - chance, chance], axis=1)
    scores = _scores(x, coefficients, intercepts, len(labels))
    return labels[scores.argmax(axis=1)], _transformed(call, scores, post_transform)


def zip_map(
    _: Call,
    x: Array,
    *,
    classlabels_int64s: Sequence[int] | None = None,
    classlabels_strings: Sequence[str] | None = None,
) -> tuple[Any]:
    """No number depends on it, but a graph is evaluated only where every operator in it is known."""
    names: Sequence[int | str] = classlabels_int64s or classlabels_strings or range(x.shape[-1])
    return ([dict(zip(names, row.tolist(), strict=True)) for row in np.atleast_2d(x)],)


def _scores(x: Array, coefficients: Sequence[float], intercepts: Sequence[float] | None, rows: int) -> Array:
    x = np.atleast_2d(x)
    weights = np.asarray(coefficients[: rows * x.shape[1]], dtype=np.float64).reshape(rows, -1)
    result: Array = x @ weights.T + np.asarray(intercepts or [0.0])
    return result


def _transformed(call: Call, scores: Array, kind: str) -> Array:
    if kind == "NONE":
        return scores
    if kind == "LOGISTIC":
        result: Array = 1 / (1 + np.exp(-scores))
        return result
    if kind == "SOFTMAX":
        # this domain has no old form of it
        return softmax(Call(opset=13, outputs=call.outputs, given=call.given), scores, axis=-1)
    raise ValueError(f"post_transform={kind} has no double-precision form")


KERNELS: dict[str, Kernel] = {
    "LinearClassifier": linear_classifier,
    "LinearRegressor": linear_regressor,
    "Normalizer": normalizer,
    "Scaler": scaler,
    "ZipMap": zip_map,
}

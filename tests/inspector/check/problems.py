"""Small gradients to check, each written out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper, parser

from inspector.check import Problem

Array = NDArray[Any]
Weights = Mapping[str, Array]

DENSE = """
    hidden = MatMul(x, a)
    active = Relu(hidden)
    y = MatMul(active, b)
"""


def model(signature: str, body: str, weights: Weights | None = None, opset: int = 18) -> ModelProto:
    """`signature` is "float[N,4] x => float[N] y"; weights become initializers."""
    inputs, outputs = signature.split("=>")
    text = f'<ir_version: 8, opset_import: ["" : {opset}]> g ({inputs}) => ({outputs}) {{ {body} }}'
    proto = parser.parse_model(text)
    proto.graph.initializer.extend(numpy_helper.from_array(w, name) for name, w in (weights or {}).items())
    return proto


def problem(
    x: Array,
    forward: str,
    backward: str,
    *,
    weights: Weights | None = None,
    outputs: int = 1,
    shown: Any = None,
    kind: str = "float",
) -> Problem:
    """Score: the sum of y's elements of each sample. `backward` computes `gradient.x` as `dx`, beside the forward."""
    size = f"{kind}[N,{','.join(map(str, x.shape[1:]))}]"
    gradient = model(f"{size} x => {size} dx", forward + backward, weights)
    for node in gradient.graph.node:
        node.output[:] = ["gradient.x" if name == "dx" else name for name in node.output]
    gradient.graph.output[0].name = "gradient.x"
    return Problem(
        model=model(f"{size} x => {kind}[N,K] y", forward, weights),
        tensor="x",
        outputs=("y",),
        score=lambda values: values["y"].reshape(len(values["y"]), -1).sum(axis=1),
        feeds={"x": x},
        gradient=gradient,
        gradient_feeds={"x": x},
        displayed=shown,
    )


def rectifier(x: Array, backward: str) -> Problem:
    """A layer of 64 rectified units; `mask`, `up` and `dx` are what a right backward computes."""
    random = np.random.default_rng(3)
    width = x.shape[1]
    weights = {
        "a": random.standard_normal((width, 64)).astype(np.float32),
        "b": random.standard_normal((64, 3)).astype(np.float32),
        "ones": np.ones((1, 3), np.float32),
        "zero": np.zeros((), np.float32),
        "factor": np.array(1.001, np.float32),
    }
    weights["at"], weights["bt"] = weights["a"].T.copy(), weights["b"].T.copy()
    return problem(x, DENSE, backward, weights=weights)


RIGHT = """
    above = Greater(hidden, zero)
    mask = CastLike(above, hidden)
    up = MatMul(ones, bt)
    masked = Mul(up, mask)
    dx = MatMul(masked, at)
"""
"""The gradient of `DENSE`'s summed output."""


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)

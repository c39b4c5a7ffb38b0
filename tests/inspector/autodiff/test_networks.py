"""Whole networks against torch.autograd: every branch and tie the way a training framework has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from inspector.autodiff import vjp

from .case import Array
from .truth import Evaluator

torch = pytest.importorskip("torch")
F = torch.nn.functional

pytestmark = pytest.mark.torch


def residual(x: Any, w: dict[str, Any]) -> Any:
    """Strided, grouped and dilated convolutions, a skip, overlapping pooling, a transposed convolution."""
    stem = F.relu(F.conv2d(x, w["a"], w["ab"], stride=2, padding=1))
    pooled = F.max_pool2d(stem, 3, 2, padding=1)
    branch = F.conv2d(F.relu(F.conv2d(pooled, w["b"], padding=1)), w["c"], groups=2, dilation=2, padding=2)
    joined = F.relu(branch + pooled)
    wide = F.conv_transpose2d(joined, w["d"], stride=2, padding=1, output_padding=1)
    averaged = F.avg_pool2d(F.leaky_relu(wide, 0.1), 2, 2, ceil_mode=True, count_include_pad=False)
    return averaged.amax((2, 3)) @ w["e"] + averaged.mean((2, 3)) @ w["e"]


RESIDUAL = """
    s = Conv<strides = [2, 2], pads = [1, 1, 1, 1]>(x, a, ab)
    sr = Relu(s)
    p = MaxPool<kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]>(sr)
    b1 = Conv<pads = [1, 1, 1, 1]>(p, b)
    b2 = Relu(b1)
    b3 = Conv<group = 2, dilations = [2, 2], pads = [2, 2, 2, 2]>(b2, c)
    j = Add(b3, p)
    jr = Relu(j)
    t = ConvTranspose<strides = [2, 2], pads = [1, 1, 1, 1], output_padding = [1, 1]>(jr, d)
    l = LeakyRelu<alpha = 0.1>(t)
    v = AveragePool<kernel_shape = [2, 2], strides = [2, 2], ceil_mode = 1>(l)
    gm = GlobalMaxPool(v)
    ga = GlobalAveragePool(v)
    fm = Flatten(gm)
    fa = Flatten(ga)
    mm = MatMul(fm, e)
    ma = MatMul(fa, e)
    y = Add(mm, ma)
"""
RESIDUAL_WEIGHTS = {
    "a": (4, 3, 3, 3),
    "ab": (4,),
    "b": (4, 4, 3, 3),
    "c": (4, 2, 3, 3),
    "d": (4, 4, 3, 3),
    "e": (4, 5),
}


def attention(x: Any, w: dict[str, Any]) -> Any:
    """A transformer block over three tokens: normalisation, two heads, a gated feed-forward, the first token."""
    h = F.layer_norm(x, (6,), w["s"], w["o"])
    heads = [(h @ w[name]).reshape(-1, 3, 2, 3).transpose(1, 2) for name in ("q", "k", "v")]
    scores = torch.softmax(heads[0] @ heads[1].transpose(2, 3) / 3**0.5, -1)
    mixed = (scores @ heads[2]).transpose(1, 2).reshape(-1, 3, 6) @ w["p"] + x
    up = mixed @ w["u"]
    fed = (F.gelu(up[..., :4]) * torch.tanh(up[..., 4:])) @ w["d"] + mixed
    return fed[:, 0]


ATTENTION = """
    h = LayerNormalization(x, s, o)
    q0 = MatMul(h, q)
    k0 = MatMul(h, k)
    v0 = MatMul(h, v)
    q1 = Reshape(q0, split)
    k1 = Reshape(k0, split)
    v1 = Reshape(v0, split)
    q2 = Transpose<perm = [0, 2, 1, 3]>(q1)
    k2 = Transpose<perm = [0, 2, 3, 1]>(k1)
    v2 = Transpose<perm = [0, 2, 1, 3]>(v1)
    qk = MatMul(q2, k2)
    three = Constant<value = float {3.0}>()
    root = Sqrt(three)
    scaled = Div(qk, root)
    scores = Softmax<axis = -1>(scaled)
    m = MatMul(scores, v2)
    mt = Transpose<perm = [0, 2, 1, 3]>(m)
    mr = Reshape(mt, join)
    mp = MatMul(mr, p)
    mixed = Add(mp, x)
    up = MatMul(mixed, u)
    first, second = Split<axis = -1, num_outputs = 2>(up)
    ge = Gelu(first)
    ta = Tanh(second)
    gated = Mul(ge, ta)
    down = MatMul(gated, d)
    fed = Add(down, mixed)
    y = Gather<axis = 1>(fed, zero)
"""
ATTENTION_WEIGHTS = {"s": (6,), "o": (6,), **dict.fromkeys("qkvp", (6, 6)), "u": (6, 8), "d": (4, 6)}
INTEGERS = {"split": [0, 3, 2, 3], "join": [0, 3, 6], "zero": 0, "last": [-1, -2]}


def squeezed(x: Any, w: dict[str, Any]) -> Any:
    """Gates for each channel, from the mean of its map: of whole blocks of channels and of others."""
    h = F.hardswish(F.conv2d(x, w["a"], padding=1))
    for down, up in (("b", "c"), ("d", "f")):
        gate = F.relu(F.conv2d(h.mean((2, 3), keepdim=True), w[down]))
        h = h * F.hardsigmoid(F.conv2d(gate, w[up]))
        h = F.hardswish(F.conv2d(h, w["g"])) if down == "b" else h
    gate = torch.sigmoid(F.conv2d(F.adaptive_avg_pool2d(h, 1), w["h"]))
    return (gate * h).sum((2, 3))


SQUEEZED = """
    a1 = Conv<pads = [1, 1, 1, 1]>(x, a)
    h1 = HardSwish(a1)
    m1 = ReduceMean<keepdims = 1>(h1, last)
    b1 = Conv(m1, b)
    r1 = Relu(b1)
    c1 = Conv(r1, c)
    s1 = HardSigmoid<alpha = 0.16666667>(c1)
    e1 = Mul(h1, s1)
    g1 = Conv(e1, g)
    h2 = HardSwish(g1)
    m2 = ReduceMean<keepdims = 1>(h2, last)
    d1 = Conv(m2, d)
    r2 = Relu(d1)
    f1 = Conv(r2, f)
    s2 = HardSigmoid<alpha = 0.16666667>(f1)
    e2 = Mul(s2, h2)
    p1 = GlobalAveragePool(e2)
    i1 = Conv(p1, h)
    s3 = Sigmoid(i1)
    e3 = Mul(s3, e2)
    y = ReduceSum<keepdims = 0>(e3, last)
"""
SQUEEZED_WEIGHTS = {
    "a": (32, 3, 3, 3),
    "b": (16, 32, 1, 1),
    "c": (32, 16, 1, 1),
    "d": (8, 20, 1, 1),
    "f": (20, 8, 1, 1),
    "g": (20, 32, 1, 1),
    "h": (20, 20, 1, 1),
}


@pytest.mark.parametrize(
    ("function", "body", "weights", "shape"),
    [
        (residual, RESIDUAL, RESIDUAL_WEIGHTS, (2, 3, 17, 14)),
        (attention, ATTENTION, ATTENTION_WEIGHTS, (2, 3, 6)),
        (squeezed, SQUEEZED, SQUEEZED_WEIGHTS, (2, 3, 7, 5)),
    ],
    ids=["residual", "attention", "squeezed"],
)
def test_network(
    function: Callable[..., Any], body: str, weights: dict[str, tuple[int, ...]], shape: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(6)
    arrays = {name: rng.normal(size=size).astype(np.float32) / 2 for name, size in weights.items()}
    x = rng.normal(size=shape).astype(np.float32)
    x[0, :, : shape[2] // 2] = 0  # a blank part, as photographs of single things have it: ties
    axes = ",".join(["b", *map(str, shape[1:])])
    model = parser.parse_model(
        f'<ir_version: 10, opset_import: ["" : 20]> net (float[{axes}] x) => (float[b,m] y) {{ {body} }}'
    )
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in arrays.items())
    model.graph.initializer.extend(
        numpy_helper.from_array(np.array(each), name) for name, each in INTEGERS.items() if name in body
    )
    values: dict[str, Array] = {**arrays, "x": x}
    tensors = {name: torch.tensor(value.astype(float), requires_grad=True) for name, value in values.items()}
    y = function(tensors["x"], tensors)
    u = rng.normal(size=tuple(y.shape))
    y.backward(torch.tensor(u))
    gradients = _gradients(model, list(tensors), x, u, y.detach().numpy())
    for name, gradient in gradients.items():
        truth = tensors[name].grad.numpy()
        assert np.linalg.norm(gradient - truth) < 1e-6 * np.linalg.norm(truth), name


def _gradients(model: onnx.ModelProto, wrt: list[str], x: Array, u: Array, y: Array) -> dict[str, Array]:
    with_gradient = Evaluator(vjp(model, ["y"], wrt))
    names = [f"gradient.{name}" for name in wrt]
    ours, *gradients = with_gradient.run(["y", *names], {"x": x.astype(float), "cotangent.y": u})
    np.testing.assert_allclose(ours, y, rtol=1e-5, atol=1e-6)
    return dict(zip(wrt, gradients, strict=True))

"""One small network in float16, float32 and float64: the gradient graph has the precision of its model."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from inspector.autodiff import vjp

from .case import Array
from .truth import Evaluator

NODES = """
    c = Conv<pads = [1, 1, 1, 1]>(x, k, kb)
    r = Relu(c)
    p = MaxPool<kernel_shape = [3, 3], strides = [2, 2]>(r)
    a = AveragePool<kernel_shape = [2, 2], pads = [0, 0, 1, 1]>(p)
    n = InstanceNormalization(a, s, s)
    t = Transpose<perm = [0, 2, 3, 1]>(n)
    l = LayerNormalization(t, s, s)
    i = Gather<axis = 3>(l, pick)
    e = Gelu(i)
    f = Flatten(e)
    g = Gemm(f, w)
    h = HardSwish(g)
    y = Softmax(h)
"""


def network(dtype: type[np.floating]) -> onnx.ModelProto:
    text = f'<ir_version: 10, opset_import: ["" : 20]> n (float[b,2,9,9] x) => (float[b,4] y) {{ {NODES} }}'
    model = onnx.parser.parse_model(text)
    rng = np.random.default_rng(2)
    shapes = {"k": (3, 2, 3, 3), "kb": (3,), "s": (3,), "w": (64, 4)}
    for name, shape in shapes.items():
        model.graph.initializer.append(
            numpy_helper.from_array((rng.normal(size=shape) / 2).astype(dtype), name)
        )
    model.graph.initializer.append(numpy_helper.from_array(np.array([2, 0, 1, 2]), "pick"))
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.elem_type = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return model


def relative(a: Array, b: Array) -> float:
    return float(np.linalg.norm(a.astype(float) - b) / np.linalg.norm(b))


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-6), (np.float16, 1e-2)])
def test_the_runtime_agrees_with_float64(dtype: type[np.floating], tolerance: float) -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(2, 2, 9, 9)).astype(dtype)
    u = rng.normal(size=(2, 4)).astype(dtype)
    model = vjp(network(dtype), ["y"], ["x", "p", "k"])
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = ["gradient.x", "gradient.p", "gradient.k"]
    results = session.run(names, {"x": x, "cotangent.y": u})
    wide = {"x": x.astype(float), "cotangent.y": u.astype(float)}
    truth = Evaluator(model).run(names, wide)
    for name, result, exact in zip(names, results, truth, strict=True):
        assert result.dtype == dtype
        assert relative(result, exact) < tolerance, name


def test_a_float64_model_gets_float64_constants() -> None:
    x = np.random.default_rng(4).normal(size=(2, 3))
    text = '<ir_version: 10, opset_import: ["" : 20]> n (double[b,3] x) => (double[b,3] y) { y = Erf(x) }'
    model = vjp(onnx.parser.parse_model(text), ["y"], ["x"])
    (g,) = Evaluator(model).run(["gradient.x"], {"x": x, "cotangent.y": np.ones_like(x)})
    np.testing.assert_allclose(g, 2 / np.sqrt(np.pi) * np.exp(-(x**2)), rtol=1e-15)


LARGE = [
    "y = InstanceNormalization(x, s, s)",
    "y = LRN<size = 3, alpha = 0.5>(x)",
    "y = GlobalLpPool<p = 3>(x)",
    "y = LpPool<kernel_shape = [2, 2], p = 3>(x)",
    "y = BatchNormalization(x, s, s, wide, wide)",
]


@pytest.mark.parametrize("node", LARGE)
def test_numbers_whose_squares_half_precision_cannot_hold(node: str) -> None:
    """Values of some hundreds: their squares are sums in float32. Statistics of another precision are fine."""
    text = f'<ir_version: 10, opset_import: ["" : 20]> n (float16[b,3,4,4] x) => (float16[b,3,q,r] y) {{ {node} }}'
    proto = onnx.parser.parse_model(text)
    used = set(proto.graph.node[0].input)
    weights = {"s": np.array([1, 2, 0.5], np.float16), "wide": np.array([300, 500, 400], np.float32)}
    proto.graph.initializer.extend(
        numpy_helper.from_array(value, name) for name, value in weights.items() if name in used
    )
    model = vjp(proto, ["y"], ["x"])
    rng = np.random.default_rng(4)
    x = (rng.uniform(300, 900, size=(2, 3, 4, 4)) * rng.choice([-1, 1], size=(2, 3, 4, 4))).astype(np.float16)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (y,) = Evaluator(proto).run(["y"], {"x": x.astype(float)})
    u = rng.normal(size=y.shape).astype(np.float16)
    (result,) = session.run(["gradient.x"], {"x": x, "cotangent.y": u})
    (exact,) = Evaluator(model).run(["gradient.x"], {"x": x.astype(float), "cotangent.y": u.astype(float)})
    assert result.dtype == np.float16
    # a result in half precision is rounded to 2^-11, and its smallest ones to 2^-25
    np.testing.assert_allclose(result, exact, rtol=1e-2, atol=1e-2 * np.abs(exact).max())


RECURRENT = """
    h = Loop(times, , x) <body = step (int64 i, bool go, float16[t,b,2] a) => (bool more, float16[t,b,2] c) {
        more = Identity(go)
        m = MatMul(a, k)
        c = Tanh(m)
    }>
    y, last = LSTM<hidden_size = 2>(h, w, r)
"""


def test_loops_and_recurrent_operators_in_half_precision() -> None:
    # onnxruntime has no LSTM of its own in half precision: what stands for it in the gradient graph has
    text = (
        '<ir_version: 10, opset_import: ["" : 20]> n (float16[t,b,2] x, float16[2,2] k, int64 times) => '
        f"(float16[t,d,b,2] y, float16[d,b,2] last) {{ {RECURRENT} }}"
    )
    model = onnx.parser.parse_model(text)
    rng = np.random.default_rng(2)
    for name in ("w", "r"):
        weight = (rng.normal(size=(1, 8, 2)) / 2).astype(np.float16)
        model.graph.initializer.append(numpy_helper.from_array(weight, name))
    with_gradient = vjp(model, ["y", "last"], ["x", "k", "w"])
    feeds = {
        "x": rng.normal(size=(4, 3, 2)).astype(np.float16),
        "k": rng.normal(size=(2, 2)).astype(np.float16),
        "times": np.array(3),
        "cotangent.y": rng.normal(size=(4, 1, 3, 2)).astype(np.float16),
        "cotangent.last": rng.normal(size=(1, 3, 2)).astype(np.float16),
    }
    names = ["gradient.x", "gradient.k", "gradient.w"]
    session = onnxruntime.InferenceSession(
        with_gradient.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    results = session.run(names, feeds)
    for name, result, exact in zip(names, results, Evaluator(with_gradient).run(names, feeds), strict=True):
        assert result.dtype == np.float16
        assert relative(result, exact) < 1e-2, name

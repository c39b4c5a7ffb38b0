"""Masks of activations: a ReLU's taken ahead over max pooling, and a clipped convolution's by steps."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest
from onnx import parser

from inspector.autodiff import RULES, RuleTable, vjp
from inspector.autodiff.tape import Tape, Values

from .case import Array
from .truth import Evaluator

# two windows: all of one lies below zero
X = np.array([[-1.0, -2.0, 3.0, 1.0], [-3.0, -4.0, 2.0, 0.0]]).reshape(1, 1, 2, 4)
FIRST, SECOND = np.zeros_like(X), np.zeros_like(X)
FIRST[..., 0, 0], SECOND[..., 0, 2] = 1, 1


def gradient(body: str, wrt: str, rules: RuleTable = RULES) -> Array:
    model: onnx.ModelProto = parser.parse_model(
        f'<ir_version: 10, opset_import: ["" : 18]> g (float[1,1,2,4] x) => (float[1,1,1,2] y) {{ {body} }}'
    )
    feeds = {"x": X, "cotangent.y": np.ones((1, 1, 1, 2))}
    (found,) = Evaluator(vjp(model, ["y"], [wrt], rules)).run([f"gradient.{wrt}"], feeds)
    return np.asarray(found)


POOLED = "y = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(r)"


@pytest.mark.parametrize(
    ("body", "wrt", "expected"),
    [
        (f"r = Relu(x) {POOLED}", "x", SECOND),
        (f"r = Relu(x) {POOLED}", "r", FIRST + SECOND),
        (f"r = Exp(x) {POOLED}", "x", np.exp(X) * (FIRST + SECOND)),
        (
            "r = Relu(x) p = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(r) "
            "q = AveragePool<kernel_shape = [2, 2], strides = [2, 2]>(r) y = Add(p, q)",
            "x",
            SECOND + np.where(X > 0, 0.25, 0),
        ),
    ],
    ids=["at the input", "at the result of the ReLU", "without a ReLU", "beside another way"],
)
def test_the_winners_of_positive_windows(body: str, wrt: str, expected: Array) -> None:
    np.testing.assert_allclose(gradient(body, wrt), expected)


def test_another_rule_for_relu_sees_all_winners() -> None:
    def through(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
        return cotangents

    found = gradient(f"r = Relu(x) {POOLED}", "x", RULES.override(Relu=through))
    np.testing.assert_array_equal(found, FIRST + SECOND)


# numbers beside and on each bound
AROUND = np.array(
    [[-9, -1e-30, 0, 1e-30], [5, 6, 6.0000005, 9], [-1.0000001, -1, -0.9999999, 2]], dtype=np.float32
)
CLIPPED = """
    g (float[n,1,3,4] x) => (float[n,16,3,4] y)
    <float[16,1,1,1] w = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, float low = {LOW}, float high = {HIGH}>
    { c = Conv(x, w) y = Clip(c, BOUNDS) }
"""


@pytest.mark.parametrize("bounds", [(0, 6), (-1, 6), (0, None), (None, 6), (-1, 1)], ids=str)
def test_what_a_clip_does_not_move(bounds: tuple[float | None, float | None]) -> None:
    low, high = bounds
    names = f"{'' if low is None else 'low'}, {'' if high is None else 'high'}".removesuffix(", ")
    text = CLIPPED.replace("BOUNDS", names).replace("LOW", str(low or 0)).replace("HIGH", str(high or 0))
    model = vjp(parser.parse_model(f'<ir_version: 10, opset_import: ["" : 18]> {text}'), ["y"], ["x"])
    assert "HardSigmoid" in {node.op_type for node in model.graph.node}
    x = AROUND.reshape(1, 1, 3, 4)
    least, most = (-np.inf if low is None else low), (np.inf if high is None else high)
    expected = np.where((x >= least) & (x <= most), 16.0, 0.0)
    feeds = {"x": x, "cotangent.y": np.ones((1, 16, 3, 4), np.float32)}
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    y, single = session.run(["y", "gradient.x"], feeds)
    np.testing.assert_array_equal(single, expected)
    np.testing.assert_array_equal(y, np.clip(x, least, most).repeat(16, axis=1).astype(np.float32))
    (double,) = Evaluator(model).run(
        ["gradient.x"], {name: array.astype(float) for name, array in feeds.items()}
    )
    np.testing.assert_array_equal(double, expected)


def test_bounds_that_no_ramp_is_exact_for() -> None:
    largest = float(np.finfo(np.float32).max)
    text = CLIPPED.replace("BOUNDS", "low, high").replace("LOW", str(-largest)).replace("HIGH", str(largest))
    model = vjp(parser.parse_model(f'<ir_version: 10, opset_import: ["" : 18]> {text}'), ["y"], ["x"])
    assert "Equal" in {node.op_type for node in model.graph.node}

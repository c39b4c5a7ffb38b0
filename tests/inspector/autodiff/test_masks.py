"""The mask of a ReLU taken ahead, over max pooling: not where its cotangent is asked for or has another rule."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
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

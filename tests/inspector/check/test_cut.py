from __future__ import annotations

import pytest
from onnx import parser

from inspector.check.cut import cut, leading_to
from inspector.errors import ModelError
from tests.inspector.check.problems import model, normal

CHAIN = model(
    "float[N,3] x => float[N,3] y",
    "a = MatMul(x, w) b = Relu(a) shape = Shape(x) c = Add(b, x) d = Reshape(c, shape) unused = Neg(b) y = Mul(d, k)",
    {"w": normal(3, 3), "k": normal(3)},
)


def test_what_lies_behind_a_tensor() -> None:
    part = cut(CHAIN, "b", ["y"])
    assert [node.op_type for node in part.model.graph.node] == ["Add", "Reshape", "Mul"]
    assert part.boundary == ("shape", "x")
    assert [value.name for value in part.model.graph.input] == ["b", "shape", "x"]
    assert [weight.name for weight in part.model.graph.initializer] == ["k"]


def test_what_leads_to_a_tensor() -> None:
    part = leading_to(CHAIN, ["b", "shape"])
    assert [node.op_type for node in part.graph.node] == ["MatMul", "Relu", "Shape"]
    assert [value.name for value in part.graph.input] == ["x"]
    assert [weight.name for weight in part.graph.initializer] == ["w"]


def test_an_output_that_does_not_depend_on_the_tensor_is_at_the_boundary() -> None:
    part = cut(CHAIN, "unused", ["y"])
    assert not part.model.graph.node
    assert part.boundary == ("y",)


def test_a_tensor_may_be_its_own_output() -> None:
    part = cut(CHAIN, "y", ["y"])
    assert part.boundary == ()
    assert [value.name for value in part.model.graph.output] == ["y"]


def test_what_a_branch_reads_from_outside_counts() -> None:
    text = """<ir_version: 8, opset_import: ["" : 18]> g (float[N] x, bool c) => (float[N] y) {
        a = Exp(x) b = Neg(x)
        y = If(c) <then_branch = yes () => (float[N] p) { p = Mul(a, b) },
                   else_branch = no () => (float[N] q) { q = Identity(b) }>
    }"""
    part = cut(parser.parse_model(text), "a", ["y"])
    assert [node.op_type for node in part.model.graph.node] == ["If"]
    assert part.boundary == ("b", "c")


def test_an_unknown_tensor_is_named() -> None:
    with pytest.raises(ModelError, match="'nothing'"):
        cut(CHAIN, "nothing", ["y"])

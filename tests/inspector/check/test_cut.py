from __future__ import annotations

import pytest
from onnx import parser

from inspector.check.cut import between, boundary, part
from inspector.check.forward import Behind
from inspector.check.single import Float32Evaluator
from inspector.errors import ModelError
from tests.inspector.check.problems import model, normal

CHAIN = model(
    "float[N,3] x => float[N,3] y",
    "a = MatMul(x, w) b = Relu(a) shape = Shape(x) c = Add(b, x) d = Reshape(c, shape) unused = Neg(b) y = Mul(d, k)",
    {"w": normal(3, 3), "k": normal(3)},
)


def test_what_lies_behind_a_tensor() -> None:
    beside = boundary(CHAIN, "b", ["y"])
    assert beside == ("shape", "x")
    behind = part(CHAIN, ["b", *beside], ["y"])
    assert [node.op_type for node in behind.graph.node] == ["Add", "Reshape", "Mul"]
    assert [value.name for value in behind.graph.input] == ["b", "shape", "x"]
    assert [weight.name for weight in behind.graph.initializer] == ["k"]


def test_what_leads_to_a_tensor() -> None:
    before = part(CHAIN, ["x"], ["b", "shape"])
    assert [node.op_type for node in before.graph.node] == ["MatMul", "Relu", "Shape"]
    assert [value.name for value in before.graph.input] == ["x"]
    assert [weight.name for weight in before.graph.initializer] == ["w"]


def test_nodes_come_after_what_they_read_in_whatever_order_the_file_has_them() -> None:
    nodes = list(CHAIN.graph.node)
    made = {"x", "w", "k"}
    for node in between(nodes[::-1], {"x"}, ["y"]):
        assert made.issuperset(node.input)
        made.update(node.output)
    assert "y" in made
    assert "unused" not in made


def test_an_output_that_does_not_depend_on_the_tensor_is_at_the_boundary() -> None:
    assert boundary(CHAIN, "unused", ["y"]) == ("y",)
    assert not part(CHAIN, ["unused", "y"], ["y"]).graph.node


def test_weights_that_are_only_moved_stay_where_they_are() -> None:
    chain = model(
        "float[N,3] x => float[N,3] y",
        "a = Relu(x) t = Transpose(w) shape = Shape(x) r = Reshape(x, shape) s = Neg(w) m = MatMul(a, t) "
        "n = MatMul(m, s) y = Add(n, r)",
        {"w": normal(3, 3)},
    )
    assert boundary(chain, "a", ["y"]) == ("r", "s")


def test_a_tensor_may_be_its_own_output() -> None:
    assert boundary(CHAIN, "y", ["y"]) == ()


def test_what_a_branch_reads_from_outside_counts() -> None:
    text = """<ir_version: 8, opset_import: ["" : 18]> g (float[N] x, bool c) => (float[N] y) {
        a = Exp(x) b = Neg(x)
        y = If(c) <then_branch = yes () => (float[N] p) { p = Mul(a, b) },
                   else_branch = no () => (float[N] q) { q = Identity(b) }>
    }"""
    model = parser.parse_model(text)
    assert boundary(model, "a", ["y"]) == ("b", "c")
    assert [node.op_type for node in part(model, ["a", "b", "c"], ["y"]).graph.node] == ["If"]


def test_an_unknown_tensor_is_named() -> None:
    with pytest.raises(ModelError, match="'nothing'"):
        boundary(CHAIN, "nothing", ["y"])


def test_constants_stay_with_the_nodes_that_read_them() -> None:
    # fed from outside, the bounds of the slice make onnxruntime infer that nothing is left of the shape
    pyramid = model(
        "float[1,2,8,8] x => float[1,2,8,8] y",
        "r = Relu(x) p = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(r) shape = Shape(p) "
        "from = Constant<value = int64[1] {0}>() to = Constant<value = int64[1] {2}>() head = Slice(shape, from, to) "
        "size = Constant<value = int64[2] {8, 8}>() sizes = Concat<axis = 0>(head, size) "
        'again = Resize<mode = "linear">(p, , , sizes)'
        'q = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(again) y = Resize<mode = "linear">(q, , , sizes)',
    )
    assert boundary(pyramid, "r", ["y"]) == ()
    behind = Behind(Float32Evaluator(pyramid), pyramid, "r", ["y"], {"x": normal(1, 2, 8, 8)})
    assert behind.run(behind.point)["y"].shape == (1, 2, 8, 8)

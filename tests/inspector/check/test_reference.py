from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper, numpy_helper, parser

from inspector.check.kernels.call import operator
from inspector.check.reference import DoublePrecisionError, Float64Evaluator
from tests.inspector.check.problems import model, normal


def test_results_are_exact_to_double_precision() -> None:
    # in float32 the sum would lose the small number
    x = np.array([[1.0, 1e-12]], np.float64)
    proto = model(
        "float[N,2] x => float[N] y", "axes = Constant<value_ints=[1]>() y = ReduceSum<keepdims=0>(x, axes)"
    )
    assert Float64Evaluator(proto).run(None, {"x": x})[0][0] == 1 + 1e-12


def test_the_error_function_is_not_rounded_to_single_precision() -> None:
    evaluator = Float64Evaluator(model("float[N] x => float[N] y", "y = Erf(x)"))
    assert evaluator.run(None, {"x": np.array([0.3])})[0][0] == math.erf(0.3)


def test_weights_keep_the_values_of_the_file() -> None:
    weight = normal(3, 2)
    proto = model("float[N,3] x => float[N,2] y", "y = MatMul(x, w)", {"w": weight})
    x = normal(4, 3)
    expected = x.astype(np.float64) @ weight.astype(np.float64)
    np.testing.assert_allclose(Float64Evaluator(proto).run(None, {"x": x})[0], expected, rtol=1e-14)
    assert proto.graph.initializer[0].data_type == TensorProto.FLOAT


def test_half_precision_and_casts_are_widened() -> None:
    text = """<ir_version: 8, opset_import: ["" : 18]> g (float16[N] x) => (float16[N] y) {
        wide = Cast<to=1>(x) t = Cast<to=1>(third) z = Mul(wide, t) y = Cast<to=10>(z)
    }"""
    proto = parser.parse_model(text)
    proto.graph.initializer.append(numpy_helper.from_array(np.array([1 / 3], np.float16), "third"))
    (y,) = Float64Evaluator(proto).run(None, {"x": np.array([3.0], np.float16)})
    assert y.dtype == np.float64
    assert y[0] == 3 * np.float64(np.float16(1 / 3))


def test_constants_in_every_form_are_widened() -> None:
    body = """
        a = Constant<value_float=0.1>() b = Constant<value_floats=[0.1]>() s = Shape(x)
        c = ConstantOfShape<value = float[1] {0.1}>(s) ab = Add(a, b) abc = Add(ab, c) y = Add(x, abc)
    """
    (y,) = Float64Evaluator(model("float[N] x => float[N] y", body)).run(None, {"x": np.zeros(2)})
    np.testing.assert_array_equal(y, 3 * np.float64(np.float32(0.1)))


def test_any_tensor_of_the_main_graph_can_be_asked_for() -> None:
    evaluator = Float64Evaluator(model("float[N] x => float[N] y", "a = Add(x, x) b = Exp(a) y = Neg(b)"))
    a, y = evaluator.run(["a", "y"], {"x": np.array([0.5])})
    assert (a[0], y[0]) == (1.0, -math.e)
    assert evaluator.input_names == ["x"]
    assert evaluator.output_names == ["y"]


def test_branches_and_functions_are_widened() -> None:
    text = """<ir_version: 8, opset_import: ["" : 18, "local" : 1]> g (float[N] x, bool c) => (float[N] y) {
        t = local.third(x)
        y = If(c) <then_branch = yes () => (float[N] p) { k = Constant<value_float=0.1>() p = Mul(t, k) },
                   else_branch = no () => (float[N] q) { q = Identity(t) }>
    }
    <domain: "local", opset_import: ["" : 18]> third (v) => (w) { k = Constant<value_float=0.3>() w = Mul(v, k) }"""
    feeds = {"x": np.array([1.0]), "c": np.array(True)}
    (y,) = Float64Evaluator(parser.parse_model(text)).run(None, feeds)
    assert y[0] == np.float64(np.float32(0.3)) * np.float64(np.float32(0.1))


def test_what_is_float32_by_default_is_double() -> None:
    body = "size = Constant<value_ints=[4]>() z = ConstantOfShape(size) w = HannWindow(n) s = Add(z, w) y = Add(s, x)"
    (y,) = Float64Evaluator(model("float[N] x, int64 n => float[N] y", body)).run(
        None, {"x": np.zeros(4), "n": np.array(4)}
    )
    np.testing.assert_allclose(y, np.sin(np.pi * np.arange(4) / 4) ** 2, atol=1e-16)


def test_sequences_are_widened_element_by_element() -> None:
    text = """<ir_version: 8, opset_import: ["" : 18]> g (seq(float[N]) s) => (float[N] y) {
        last = Constant<value_int=-1>() y = SequenceAt(s, last)
    }"""
    unlike = [normal(2), normal(3)]
    (y,) = Float64Evaluator(parser.parse_model(text)).run(None, {"s": unlike})
    np.testing.assert_array_equal(y, unlike[1].astype(np.float64))


def test_a_model_of_onnx_ir_is_taken_too() -> None:
    proto = model("float[N] x => float[N] y", "y = Exp(x)")
    assert Float64Evaluator(ir.from_proto(proto)).run(None, {"x": np.array([1.0])})[0][0] == math.e


def test_an_operator_that_it_does_not_know_is_named() -> None:
    node = helper.make_node("Mystery", ["x"], ["y"], domain="nowhere")
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N"]) for name in "xy"]
    graph = helper.make_graph([node], "g", value[:1], value[1:])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("nowhere", 1)])
    with pytest.raises(DoublePrecisionError, match="Mystery"):
        Float64Evaluator(proto)


def test_an_operator_that_computes_in_single_precision_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = operator("Neg", lambda call, x: (-x).astype(np.float32))
    monkeypatch.setattr("inspector.check.reference.OPERATORS", (narrow,))
    with pytest.raises(DoublePrecisionError, match="Neg computes in float32"):
        Float64Evaluator(model("float[N] x => float[N] y", "y = Neg(x)")).run(None, {"x": normal(3)})


def test_what_goes_wrong_in_an_operator_is_said() -> None:
    proto = model("float[N] x => float[N] y", "shape = Constant<value_ints=[7]>() y = Reshape(x, shape)")
    with pytest.raises(DoublePrecisionError, match="cannot reshape"):
        Float64Evaluator(proto).run(None, {"x": normal(2)})


def test_old_batch_normalisation_does_not_train() -> None:
    weights = {
        name: np.full(2, value, np.float32) for name, value in zip("sbmv", (2.0, 1.0, 3.0, 4.0), strict=True)
    }
    proto = model(
        "float[N,2] x => float[N,2] y", "y = BatchNormalization<epsilon=0.0>(x, s, b, m, v)", weights, opset=9
    )
    (y,) = Float64Evaluator(proto).run(None, {"x": np.array([[5.0, 7.0]])})
    np.testing.assert_array_equal(y, [[3.0, 5.0]])


def test_the_cost_counts_what_is_held_at_once_and_leaves_the_weights_out() -> None:
    body = "a = MatMul(x, w) b = Neg(a) c = Neg(b) y = Neg(c)"
    evaluator = Float64Evaluator(model("float[N,3] x => float[N,2] y", body, {"w": normal(3, 2)}))
    evaluator.run(None, {"x": normal(4, 3)})
    assert evaluator.cost.peak == 2 * 8 * (4 * 2)
    assert evaluator.cost.work == 4 * 3 * 2 + 3 * 20 * (4 * 2)


def test_the_cost_of_a_kernel_per_channel_is_that_of_moving_its_input() -> None:
    """As many products, but in a matrix product they take a twentieth of the time."""
    x, dense, single = normal(1, 4, 8, 8), normal(1, 4, 3, 3), normal(4, 1, 3, 3)
    work = []
    for weights, group, maps in ((dense, 1, 1), (single, 4, 4)):
        text = f"y = Conv<group={group}>(x, w)"
        evaluator = Float64Evaluator(
            model(f"float[1,4,8,8] x => float[1,{maps},6,6] y", text, {"w": weights})
        )
        evaluator.run(None, {"x": x})
        work.append(evaluator.cost.work)
    assert work[1] - work[0] == (20 - 1) * 4 * 36 * 9


def test_from_any_tensor_only_what_lies_behind_it_is_computed() -> None:
    # 7 elements do not fit into what `a` is reshaped to
    body = "shape = Constant<value_ints=[5]>() a = Reshape(x, shape) b = Neg(a) y = Add(b, b)"
    evaluator = Float64Evaluator(model("float[N] x => float[N] y", body))
    (y,) = evaluator.run(["y"], {"a": normal(7)})
    np.testing.assert_array_equal(y, -2.0 * normal(7).astype(np.float64))


@pytest.fixture
def weights_as_in_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """No weight is kept as doubles, and three numbers are widened at a time."""
    monkeypatch.setattr("inspector.check.weights._KEPT", 0)
    monkeypatch.setattr("inspector.check.double.LARGE_CONSTANT", 1)
    monkeypatch.setattr("inspector.check.kernels.products._BLOCK", 3)
    monkeypatch.setattr("inspector.check.kernels.convolution._WIDENED", 20)


WITH_WEIGHTS = {
    "product": ("float[N,3] x => float[N,2] y", "y = MatMul(x, w)", {"w": (3, 2)}),
    "product of a batch": ("float[N,4,3] x => float[N,4,2] y", "y = MatMul(x, w)", {"w": (3, 2)}),
    "batch of weights": ("float[N,4,3] x => float[N,4,2] y", "y = MatMul(x, w)", {"w": (2, 3, 2)}),
    "weights first": ("float[N,3] x => float[4,3] y", "y = MatMul(w, x)", {"w": (4, 2)}),
    "of weights": (
        "float[N,3] x => float[N,3] y",
        "k = MatMul(w, v) y = MatMul(x, k)",
        {"w": (3, 2), "v": (2, 3)},
    ),
    "transposed": (
        "float[N,3] x => float[N,4] y",
        "t = Transpose(w) i = Identity(t) y = MatMul(x, i)",
        {"w": (4, 3)},
    ),
    "Gemm": (
        "float[N,3] x => float[N,4] y",
        "y = Gemm<alpha=0.5, transB=1>(x, w, b)",
        {"w": (4, 3), "b": (4,)},
    ),
    "Gemm as stored": (
        "float[N,3] x => float[N,4] y",
        "y = Gemm<beta=2.0>(x, w, b)",
        {"w": (3, 4), "b": (4,)},
    ),
    "Conv": ("float[N,2,9] x => float[N,5,7] y", "y = Conv(x, w, b)", {"w": (5, 2, 3), "b": (5,)}),
    "grouped": ("float[N,4,9] x => float[N,6,7] y", "y = Conv<group=2>(x, w)", {"w": (6, 2, 3)}),
    "depthwise": ("float[N,4,9] x => float[N,4,7] y", "y = Conv<group=4>(x, w)", {"w": (4, 1, 3)}),
    "ConvTranspose": (
        "float[N,4,9] x => float[N,2,11] y",
        "y = ConvTranspose(x, w, b)",
        {"w": (4, 2, 3), "b": (2,)},
    ),
    "embedding": (
        "int64[N,3] x => float[N,3,2] y",
        "e = Gather(w, x) m = Mul(e, e) y = Add(m, b)",
        {"w": (9, 2), "b": (2,)},
    ),
    "elementwise": ("float[N,3] x => float[N,3] y", "m = Mul(x, w) y = Relu(m)", {"w": (3,)}),
    "only moved": ("float[N,3] x => float[3,4] y", "y = Transpose(w)", {"w": (4, 3)}),
    "a constant": (
        "float[N,3] x => float[N,2] y",
        "w = Constant<value = float[3,2] {1.0, 2.0, 3.5, -1.0, 0.25, 7.0}>() y = MatMul(x, w)",
        {},
    ),
    "in a branch": (
        "float[N,3] x => float[N,2] y",
        "c = Constant<value = bool {1}>() y = If(c)<then_branch = yes () => (float[N,2] p) { p = MatMul(x, w) }, "
        "else_branch = no () => (float[N,2] q) { q = MatMul(x, w) }>",
        {"w": (3, 2)},
    ),
}


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_weights_widened_where_they_are_used(name: str, request: pytest.FixtureRequest) -> None:
    signature, body, shapes = WITH_WEIGHTS[name]
    proto = model(
        signature, body, {name: normal(*shape, seed=n) for n, (name, shape) in enumerate(shapes.items())}
    )
    dims = [dim.dim_value or 2 for dim in proto.graph.input[0].type.tensor_type.shape.dim]
    x = normal(*dims).astype(np.float64) if signature[0] == "f" else np.arange(6).reshape(dims)
    (expected,) = Float64Evaluator(proto).run(None, {"x": x})
    request.getfixturevalue("weights_as_in_the_file")
    (found,) = Float64Evaluator(proto).run(None, {"x": x})
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-14)


def test_the_model_given_is_not_changed() -> None:
    proto = model("float[N] x => float[N] y", "k = Constant<value_float=0.1>() y = Mul(x, k)")
    before = proto.SerializeToString()
    Float64Evaluator(proto).run(None, {"x": normal(2)})
    assert proto.SerializeToString() == before


def test_bfloat16_weights() -> None:
    proto = model("float[N] x => float[N] y", "c = Cast<to=1>(w) y = Mul(x, c)")
    weight = helper.make_tensor("w", TensorProto.BFLOAT16, [1], [0.5])
    proto.graph.initializer.append(weight)
    assert numpy_helper.to_array(weight)[0] == 0.5
    assert Float64Evaluator(proto).run(None, {"x": np.array([3.0])})[0][0] == 1.5

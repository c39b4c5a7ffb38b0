"""What the engine does whatever the operators: walking, pruning, accumulating, naming, refusing."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest
from onnx import parser

from inspector.autodiff import RULES, vjp
from inspector.autodiff.tape import Tape, Values
from inspector.errors import LayerNotFound, ModelError, NotDifferentiable

from .case import Array
from .truth import Evaluator

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])


def model_of(body: str, signature: str = "float[n,3] x", results: str = "float[n,3] y") -> onnx.ModelProto:
    text = f'<ir_version: 10, opset_import: ["" : 18, "custom" : 1]> g ({signature}) => ({results}) {body}'
    return parser.parse_model(text)


def gradients(model: onnx.ModelProto, outputs: list[str], wrt: list[str], **feeds: Array) -> list[Array]:
    """The gradients with cotangents of one, in float64."""
    double = vjp(model, outputs, wrt)
    values = dict(zip(outputs, Evaluator(model).run(outputs, feeds), strict=True))
    seeds = {f"cotangent.{name}": np.ones_like(value) for name, value in values.items()}
    result: list[Array] = Evaluator(double).run([f"gradient.{name}" for name in wrt], {**feeds, **seeds})
    return result


# --- the contract ----------------------------------------------------------------------------------------


def test_adds_one_input_per_output_and_one_output_per_tensor() -> None:
    model = model_of("{ h = Exp(x)  y = Sin(h) }")
    result = vjp(model, ["y", "h"], ["x", "h"])
    assert [value.name for value in result.graph.input] == ["x", "cotangent.y", "cotangent.h"]
    assert [value.name for value in result.graph.output] == ["y", "gradient.x", "gradient.h"]
    shapes = {v.name: v.type for v in [*result.graph.input, *result.graph.output]}
    assert shapes["cotangent.y"] == shapes["y"] == shapes["gradient.x"] == shapes["x"]
    onnx.checker.check_model(result, full_check=True)


def test_keeps_the_kind_of_the_model_and_changes_nothing_in_it() -> None:
    model = model_of("{ y = Exp(x) }")
    before = model.SerializeToString()
    assert isinstance(vjp(model, ["y"], ["x"]), onnx.ModelProto)
    assert model.SerializeToString() == before
    in_memory = ir.from_proto(model)
    before = ir.to_proto(in_memory).SerializeToString()
    assert isinstance(vjp(in_memory, ["y"], ["x"]), ir.Model)
    assert ir.to_proto(in_memory).SerializeToString() == before


def test_every_original_tensor_keeps_its_name() -> None:
    model = model_of("{ h = Gelu(x)  y = Sin(h) }".replace("Gelu", "MeanVarianceNormalization<axes=[1]>"))
    result = vjp(model, ["y"], ["x"])
    names = {name for node in result.graph.node for name in node.output}
    assert {"h", "y"} <= names


def test_writes_only_what_the_gradient_needs() -> None:
    # the gradient of the second factor is not asked for
    model = model_of("{ y = Mul(x, w) }", "float[n,3] x, float[n,3] w")
    graph = vjp(model, ["y"], ["x"]).graph
    assert [node.op_type for node in graph.node] == ["Mul", "Mul", "Identity"]
    read = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    assert all(set(node.output) & read for node in graph.node)


def test_a_gradient_can_be_differentiated_again() -> None:
    model = model_of("{ h = Mul(x, x)  y = Sin(h) }")
    twice = vjp(vjp(model, ["y"], ["h"]), ["gradient.h"], ["x"])
    feeds = {"x": X, "cotangent.y": np.ones_like(X), "cotangent.gradient.h": np.ones_like(X)}
    (second,) = Evaluator(twice).run(["gradient.x"], feeds)
    np.testing.assert_allclose(second, -2 * X * np.sin(X**2), rtol=1e-12)


def test_refuses_a_name_that_is_taken() -> None:
    model = model_of("{ y = Exp(x)  cotangent = Exp(x) }".replace("cotangent", '"cotangent.y"'))
    with pytest.raises(ModelError, match=r"cotangent\.y"):
        vjp(model, ["y"], ["x"])


def test_unknown_tensors_are_refused_with_near_matches() -> None:
    model = model_of("{ hidden = Exp(x)  y = Sin(hidden) }")
    with pytest.raises(LayerNotFound, match=r"'hiden'.*hidden"):
        vjp(model, ["y"], ["hiden"])


def test_an_integer_tensor_has_no_gradient() -> None:
    model = model_of("{ i = Cast<to=7>(x)  f = Cast<to=1>(i)  y = Add(x, f) }")
    with pytest.raises(NotDifferentiable, match="INT64"):
        vjp(model, ["y"], ["i"])


def test_an_older_opset_is_refused() -> None:
    model = model_of("{ y = Exp(x) }")
    model.opset_import[0].version = 17
    with pytest.raises(ModelError, match="opset 18 or newer"):
        vjp(model, ["y"], ["x"])


# --- walking ---------------------------------------------------------------------------------------------


def test_fan_out_accumulates() -> None:
    model = model_of("{ a = Sin(x)  b = Exp(x)  c = Mul(a, b)  y = Add(c, x) }")
    (g,) = gradients(model, ["y"], ["x"], x=X)
    np.testing.assert_allclose(g, np.exp(X) * (np.sin(X) + np.cos(X)) + 1, rtol=1e-12)


def test_one_tensor_read_twice_by_one_node() -> None:
    (g,) = gradients(model_of("{ y = Mul(x, x) }"), ["y"], ["x"], x=X)
    np.testing.assert_allclose(g, 2 * X, rtol=1e-12)


def test_a_tensor_that_depends_on_another_one_named() -> None:
    model = model_of("{ h = Sin(x)  k = Exp(h)  y = Mul(k, h) }")
    h = np.sin(X)
    outer = np.exp(h) * (1 + h)
    gx, gh, gk = gradients(model, ["y"], ["x", "h", "k"], x=X)
    np.testing.assert_allclose(gk, h, rtol=1e-12)
    np.testing.assert_allclose(gh, outer, rtol=1e-12)
    np.testing.assert_allclose(gx, outer * np.cos(X), rtol=1e-12)


def test_several_outputs_one_of_which_feeds_another() -> None:
    model = model_of("{ h = Sin(x)  y = Exp(h) }")
    gx, gh = gradients(model, ["y", "h"], ["x", "h"], x=X)
    np.testing.assert_allclose(gh, np.exp(np.sin(X)) + 1, rtol=1e-12)
    np.testing.assert_allclose(gx, (np.exp(np.sin(X)) + 1) * np.cos(X), rtol=1e-12)


def test_the_gradient_of_an_output_with_respect_to_itself_is_its_cotangent() -> None:
    (g,) = gradients(model_of("{ y = Exp(x) }"), ["y"], ["y"], x=X)
    np.testing.assert_array_equal(g, np.ones_like(X))


def test_what_no_output_depends_on_gets_zeros_of_its_shape() -> None:
    model = model_of("{ h = Exp(z)  y = Sin(x) }", "float[n,3] x, float[m,4] z")
    gz, gh = gradients(model, ["y"], ["z", "h"], x=X, z=np.ones((5, 4)))
    assert gz.shape == gh.shape == (5, 4)
    assert not gz.any()
    assert not gh.any()


def test_weights_and_constants_in_nodes() -> None:
    model = model_of(
        "<float[3] w = {1.0, 2.0, 3.0}> { k = Constant<value = float {2.0}>()  m = Mul(x, w)  y = Mul(m, k) }".replace(
            "<float", "<float", 1
        )
    )
    (g,) = gradients(model, ["y"], ["w"], x=X)
    np.testing.assert_allclose(g, 2 * X.sum(0), rtol=1e-12)


def test_an_optional_output_that_nobody_wants() -> None:
    model = model_of(
        "{ v, i = TopK<axis=1>(x, k)  y = Exp(v) }".replace("x, k", "x, two"), results="float[n,2] y"
    )
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([2]), "two"))
    (g,) = gradients(model, ["y"], ["x"], x=X)
    np.testing.assert_allclose(g[0], [np.exp(0.5), 0, np.exp(2)], rtol=1e-12)


def test_dropout_in_training_lets_through_what_it_kept() -> None:
    weights = "<float r = {0.4}, bool t = {1}>"
    for call in ("y, mask = Dropout<seed = 3>(x, r, t)", "y = Dropout<seed = 3>(x, r, t)"):
        model = vjp(model_of(f"{weights} {{ {call} }}", "float[64] x", "float[64] y"), ["y"], ["x"])
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        x = np.linspace(1, 2, 64, dtype=np.float32)
        u = np.linspace(-1, 3, 64, dtype=np.float32)
        y, g = session.run(["y", "gradient.x"], {"x": x, "cotangent.y": u})
        assert 0 < np.count_nonzero(y) < 64
        np.testing.assert_allclose(g, u * y / x, rtol=1e-6)


# --- operators without a derivative ----------------------------------------------------------------------


def test_a_constant_operator_cuts_the_way() -> None:
    model = model_of("{ r = Round(x)  s = Mul(r, x)  y = Add(s, r) }")
    (g,) = gradients(model, ["y"], ["x"], x=X)
    np.testing.assert_array_equal(g, np.round(X))


def test_a_constant_operator_as_the_objective_gives_zeros() -> None:
    model = model_of("{ h = Exp(x)  y = Round(h) }")
    gx, gh, gy = gradients(model, ["y"], ["x", "h", "y"], x=X)
    assert not gx.any()
    assert not gh.any()
    np.testing.assert_array_equal(gy, np.ones_like(X))


def test_a_rule_can_be_given_to_a_constant_operator() -> None:
    def straight_through(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
        return cotangents

    model = model_of("{ y = Round(x) }")
    double = vjp(model, ["y"], ["x"], rules=RULES.override(Round=straight_through))
    (g,) = Evaluator(double).run(["gradient.x"], {"x": X, "cotangent.y": X})
    np.testing.assert_array_equal(g, X)


def test_an_operator_without_a_rule_is_refused_only_on_the_way() -> None:
    model = model_of("{ a = Exp(x)  b = custom.Strange(a)  c = Sin(b)  y = Add(c, x) }")
    for value in ("b", "c"):
        model.graph.value_info.append(
            onnx.helper.make_tensor_value_info(value, onnx.TensorProto.FLOAT, ["n", 3])
        )
    model.graph.node[1].name = "odd_one"
    vjp(model, ["y"], ["c"])
    vjp(model, ["a"], ["x"])
    with pytest.raises(NotDifferentiable, match=r"custom\.Strange \(node 'odd_one'\).*x -> a -> b -> c -> y"):
        vjp(model, ["y"], ["x"])


def test_the_path_that_an_error_names_leads_through_no_shape() -> None:
    model = model_of("{ s = Shape(x)  a = Exp(x)  b = Sin(a)  c = Reshape(b, s)  y = custom.Strange(c) }")
    with pytest.raises(NotDifferentiable, match="x -> a -> b -> c -> y"):
        vjp(model, ["y"], ["x"])


def test_rounding_operators_are_refused_with_their_reason() -> None:
    model = model_of(
        "<float s = {0.1}, uint8 z = {0}> { q = QuantizeLinear(x, s, z)  d = DequantizeLinear(q, s, z)  y = Exp(d) }"
    )
    with pytest.raises(NotDifferentiable, match=r"DequantizeLinear.*rounded"):
        vjp(model, ["y"], ["x"])


# --- the table -------------------------------------------------------------------------------------------


def test_override_gives_a_new_table() -> None:
    def twice(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
        return [tape.Mul(cotangents[0], 2)]

    changed = RULES.override({("custom", "Strange"): twice}, Relu=twice)
    assert changed["", "Relu"] is twice
    assert changed["custom", "Strange"] is twice
    assert RULES["", "Relu"] is not twice
    assert ("custom", "Strange") not in RULES
    model = model_of("{ y = Relu(x) }")
    double = vjp(model, ["y"], ["x"], rules=changed)
    (g,) = Evaluator(double).run(["gradient.x"], {"x": X, "cotangent.y": np.ones_like(X)})
    np.testing.assert_array_equal(g, np.full_like(X, 2))


def test_a_rule_with_too_few_cotangents_is_refused() -> None:
    def forgetful(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
        return [cotangents[0]]

    model = model_of("{ y = Mul(x, x) }")
    with pytest.raises(TypeError, match="rule of Mul gave 1 cotangents for 2 inputs"):
        vjp(model, ["y"], ["x"], rules=RULES.override(Mul=forgetful))

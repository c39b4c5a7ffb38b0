"""Graph edits: what they give, and that they leave the model they were given as it was."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import parser
from onnx.reference import ReferenceEvaluator

from inspector.errors import LayerNotFound, ModelError
from inspector.surgery import (
    append,
    copy,
    expand_functions,
    expose,
    extract,
    find_value,
    infer_types,
    prune,
    reduce_to,
)

TEXT = """
<ir_version: 10, opset_import: ["" : 18]>
g (float[n,3] x, float[3] z) => (float[n,3] y)
<float[3] w = {1.0, 2.0, 3.0}>
{
    a = Mul(x, w)
    b = Sin(a)
    unused = Exp(b)
    c = Add(b, z)
    y = Add(c, a)
}
"""
X = np.array([[0.5, -1.0, 2.0]], dtype=np.float32)
Z = np.array([0.1, 0.2, 0.3], dtype=np.float32)
W = np.array([1, 2, 3], dtype=np.float32)


@pytest.fixture
def model() -> ir.Model:
    return ir.from_proto(parser.parse_model(TEXT))


def run(model: ir.Model, **feeds: np.ndarray) -> dict[str, np.ndarray]:
    proto = ir.to_proto(model)
    onnx.checker.check_model(proto)
    evaluator = ReferenceEvaluator(proto)
    return dict(zip(evaluator.output_names, evaluator.run(None, feeds), strict=True))


@pytest.mark.parametrize(
    "edit",
    [
        lambda model: expose(model, ["b"]),
        lambda model: extract(model, ["b"], ["y"]),
        lambda model: append(model, fragment("float[n,3] y", "e = Exp(y)", "float[n,3] e")),
        prune,
        copy,
    ],
)
def test_the_model_given_stays_as_it_was(model: ir.Model, edit: Callable[[ir.Model], ir.Model]) -> None:
    before = ir.to_proto(model).SerializeToString()
    assert edit(model) is not model
    assert ir.to_proto(model).SerializeToString() == before


def test_expose_adds_outputs_in_order_and_once(model: ir.Model) -> None:
    exposed = expose(model, ["c", "a", "c", "y"])
    assert [output.name for output in exposed.graph.outputs] == ["y", "c", "a"]
    np.testing.assert_allclose(run(infer_types(exposed), x=X, z=Z)["a"], X * W)


def test_unknown_names_come_with_near_matches(model: ir.Model) -> None:
    with pytest.raises(LayerNotFound, match="near matches: unused"):
        expose(model, ["unusd"])
    with pytest.raises(LayerNotFound, match=r"'q'$"):
        find_value(model.graph, "q")


def test_reduce_to_leaves_what_extract_does(model: ir.Model) -> None:
    for outputs in (["b"], ["c", "a"], ["w", "c"], ["z", "y"]):
        reduced = copy(model)
        reduce_to(reduced.graph, outputs)
        expected = extract(model, [], outputs)
        assert ir.to_proto(reduced).SerializeToString() == ir.to_proto(expected).SerializeToString()
    with pytest.raises(LayerNotFound, match="near matches: unused"):
        reduce_to(model.graph, ["unusd"])


def test_extract_cuts_at_the_tensors_named(model: ir.Model) -> None:
    part = extract(infer_types(copy(model)), ["b"], ["c"])
    assert [value.name for value in part.graph.inputs] == ["b", "z"]
    assert [node.op_type for node in part.graph] == ["Add"]
    np.testing.assert_allclose(run(part, b=X, z=Z)["c"], X + Z)


def test_extract_can_make_a_weight_an_input(model: ir.Model) -> None:
    part = extract(infer_types(copy(model)), ["w"], ["a"])
    assert [value.name for value in part.graph.inputs] == ["w", "x"]
    assert not part.graph.initializers
    np.testing.assert_allclose(run(part, w=Z, x=X)["a"], X * Z)


def test_extract_goes_round_a_cut_that_does_not_close_the_way(model: ir.Model) -> None:
    part = extract(infer_types(copy(model)), ["b"], ["y"])
    assert [value.name for value in part.graph.inputs] == ["b", "x", "z"]
    np.testing.assert_allclose(run(part, b=Z[None], x=X, z=Z)["y"], Z[None] + Z + X * W, rtol=1e-6)


def test_extract_refuses_a_name_given_twice(model: ir.Model) -> None:
    with pytest.raises(ModelError, match="twice"):
        extract(model, ["a", "a"], ["y"])


def fragment(inputs: str, body: str, outputs: str, opset: int = 18) -> ir.Model:
    header = f'<ir_version: 10, opset_import: ["" : {opset}]>'
    text = f"{header} f ({inputs}) => ({outputs}) <float two = {{2.0}}> {{ {body} }}"
    return ir.from_proto(parser.parse_model(text))


def test_append_binds_inputs_by_name_and_adds_the_others(model: ir.Model) -> None:
    joined = append(
        model, fragment("float[n,3] b, float s", "d = Mul(b, s)  e = Mul(d, two)", "float[n,3] e")
    )
    assert [value.name for value in joined.graph.inputs] == ["x", "z", "s"]
    assert [value.name for value in joined.graph.outputs] == ["y", "e"]
    results = run(joined, x=X, z=Z, s=np.array(3, dtype=np.float32))
    np.testing.assert_allclose(results["e"], np.sin(X * W) * 6, rtol=1e-6)


def test_append_refuses_clashes(model: ir.Model) -> None:
    with pytest.raises(ModelError, match="both graphs have a tensor named 'c'"):
        append(model, fragment("float[n,3] b", "c = Exp(b)", "float[n,3] c"))
    with pytest.raises(ModelError, match="opset 18 and 20"):
        append(model, fragment("float[n,3] b", "e = Exp(b)", "float[n,3] e", opset=20))


def test_prune_removes_what_no_output_needs(model: ir.Model) -> None:
    pruned = prune(model)
    assert "unused" not in {output.name for node in pruned.graph for output in node.outputs}
    np.testing.assert_allclose(run(pruned, x=X, z=Z)["y"], run(model, x=X, z=Z)["y"])


@pytest.mark.parametrize("opset", [18, 21, 24])
@pytest.mark.parametrize(
    "call",
    [
        "Mish(x)",
        "Selu<gamma = 2.0>(x)",
        "Softsign(x)",
        "HardSwish(x)",
        "MeanVarianceNormalization<axes = [0]>(x)",
    ],
)
def test_a_standard_function_gives_the_same_by_its_body(call: str, opset: int) -> None:
    header = f'<ir_version: 10, opset_import: ["" : {opset}]>'
    text = f"{header} g (float[n,3] x) => (float[n,3] y) {{ h = {call}  y = Exp(h) }}"
    model = ir.from_proto(parser.parse_model(text))
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    expected = run(model, x=x)["y"]
    nodes = [node for node in model.graph if node.op_type != "Exp"]
    assert expand_functions(model, nodes) == 1
    assert call.partition("(")[0].partition("<")[0] not in {node.op_type for node in model.graph}
    assert find_value(model.graph, "h") is not None
    np.testing.assert_allclose(run(model, x=x)["y"], expected, rtol=1e-5)


def test_an_operator_without_a_body_stays(model: ir.Model) -> None:
    assert expand_functions(model, list(model.graph)) == 0

"""The second run that DeepLIFT's rules compare with: it holds what the model holds of the reference."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper

from inspector import Inspector
from inspector.autodiff import RULES
from inspector.autodiff.tape import Tape, Values
from inspector.explain.overrides.reference import at_reference
from tests.inspector.explain.rectified import X, network
from tests.inspector.graphs import model, normal


def reveal(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """No derivative, but the result of the second run."""
    return [at_reference(tape, node)[node.outputs[0]]]


@pytest.mark.parametrize("batch", ["batch", 1])
def test_the_second_run_is_that_of_the_reference(batch: int | str) -> None:
    lens = Inspector(network(batch))
    reference = normal(2, 3, 8, 8, scale=1, seed=3)
    evaluator = lens.evaluator.beside("image")
    feeds = {"image": X, "reference.image": reference}
    objective = lens._objective({"image": X}, [2, 0], "logit")
    found = evaluator.gradients(feeds, objective, ["dense"], rules=RULES.override(Relu=reveal))
    expected = lens.evaluator.values({"image": reference}, ["active3"])["active3"]
    np.testing.assert_allclose(found.gradients["dense"], expected, rtol=1e-5, atol=1e-6)
    # and the first run is that of the input
    np.testing.assert_allclose(found.score, lens.run(X)["logits"][range(2), [2, 0]], rtol=1e-5)


def test_bodies_that_read_what_lies_outside_are_run_again_too() -> None:
    def branch(name: str, operator: str) -> object:
        result = helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        return helper.make_graph([helper.make_node(operator, ["hidden"], [name])], name, [], [result])

    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["hidden"]),
        helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0),
        helper.make_node("Greater", ["sum", "zero"], ["positive"]),
        helper.make_node(
            "If",
            ["positive"],
            ["chosen"],
            then_branch=branch("then", "Exp"),
            else_branch=branch("other", "Neg"),
        ),
        helper.make_node("Relu", ["chosen"], ["logits"]),
    ]
    w = normal(6, 3, scale=1)
    proto = model(nodes, {"x": ["n", 6]}, {"logits": ["n", 3]}, {"w": w, "zero": np.float32(0)})
    lens = Inspector(proto)
    x = np.abs(normal(2, 6, scale=1)) + 0.1
    feeds = {"x": x, "reference.x": -x}
    objective = lens._objective({"x": x}, 1, "logit")
    found = lens.evaluator.beside("x").gradients(
        feeds, objective, ["chosen"], rules=RULES.override(Relu=reveal)
    )
    # the other branch, of the reference's own values
    np.testing.assert_allclose(found.gradients["chosen"], np.maximum(x @ w, 0), rtol=1e-5, atol=1e-6)

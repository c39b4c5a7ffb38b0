"""A score that reads one element of each row of a product reads one row of its weights on the way back."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from inspector.autodiff import vjp

from .case import Array, normal

SAMPLES, INPUTS, CLASSES = 3, 4, 5
X, WEIGHTS = (normal(*shape).astype(np.float32) for shape in ((SAMPLES, INPUTS), (INPUTS, CLASSES)))
COTANGENT = normal(SAMPLES, 1).astype(np.float32)
CHOSEN = np.array([[4], [0], [-1]])


def scored(
    product: str, batch: int | str, chosen: tuple[int | str, int], axis: int = 1, **attributes: Any
) -> onnx.ModelProto:
    """Elements (N, 1) or (1, 1) of x @ weights, named by the input `chosen`."""
    weights = WEIGHTS.T.copy() if attributes.get("transB") else WEIGHTS
    nodes = [
        helper.make_node(product, ["x", "weights"], ["z"], **attributes),
        helper.make_node("GatherElements", ["z", "chosen"], ["y"], axis=axis),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, INPUTS]),
            helper.make_tensor_value_info("chosen", TensorProto.INT64, chosen),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, chosen)],
        [numpy_helper.from_array(weights, "weights")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def pulled(
    model: onnx.ModelProto, wrt: list[str], chosen: Array, cotangent: Array
) -> tuple[dict[str, Array], list[str]]:
    """Gradients by name, and the operators of the way back that run."""
    found = vjp(model, ["y"], wrt)
    onnx.checker.check_model(found, full_check=True)
    names = [f"gradient.{name}" for name in wrt]
    session = onnxruntime.InferenceSession(found.SerializeToString(), providers=["CPUExecutionProvider"])
    values = session.run(names, {"x": X, "chosen": chosen, "cotangent.y": cotangent})
    needed, kinds = set(names), []
    for node in reversed(found.graph.node):
        if not needed.isdisjoint(node.output):
            needed.update(node.input)
            kinds.append(node.op_type)
    return dict(zip(wrt, values, strict=True)), kinds


@pytest.mark.parametrize("batch", [SAMPLES, "N"])
@pytest.mark.parametrize(
    ("product", "attributes"),
    [("MatMul", {}), ("Gemm", {}), ("Gemm", {"transB": 1}), ("Gemm", {"transB": 1, "alpha": 0.5})],
)
def test_one_row_of_the_weights_for_each_sample(
    product: str, attributes: dict[str, Any], batch: int | str
) -> None:
    model = scored(product, batch, (batch, 1), **attributes)
    found, kinds = pulled(model, ["x"], CHOSEN, COTANGENT)
    expected = attributes.get("alpha", 1) * COTANGENT * WEIGHTS.T[CHOSEN[:, 0]]
    np.testing.assert_allclose(found["x"], expected, rtol=1e-6)
    assert not {"Gemm", "MatMul", "ScatterElements"} & set(kinds)


def test_weights_that_are_asked_for_get_theirs() -> None:
    for product in ("MatMul", "Gemm"):
        found, _ = pulled(scored(product, "N", ("N", 1)), ["x", "weights"], CHOSEN, COTANGENT)
        expected = np.zeros_like(WEIGHTS)
        for sample, chosen in enumerate(CHOSEN[:, 0]):
            expected[:, chosen] += COTANGENT[sample] * X[sample]
        np.testing.assert_allclose(found["weights"], expected, rtol=1e-6)
        np.testing.assert_allclose(found["x"], COTANGENT * WEIGHTS.T[CHOSEN[:, 0]], rtol=1e-6)


@pytest.mark.parametrize("batch", [SAMPLES, "N"])
def test_rows_without_a_chosen_element_have_no_gradient(batch: int | str) -> None:
    found, _ = pulled(scored("Gemm", batch, (1, 1)), ["x"], CHOSEN[:1], COTANGENT[:1])
    expected = np.zeros_like(X)
    expected[0] = COTANGENT[0] * WEIGHTS[:, CHOSEN[0, 0]]
    np.testing.assert_allclose(found["x"], expected, rtol=1e-6)


def test_an_element_of_each_column_is_none_of_each_row() -> None:
    model = scored("Gemm", SAMPLES, (SAMPLES, 1), axis=0)
    chosen = np.array([[2], [0], [2]])
    found, _ = pulled(model, ["x"], chosen, COTANGENT)
    expected = np.zeros_like(X)
    for place, row in enumerate(chosen[:, 0]):
        expected[row] += COTANGENT[place] * WEIGHTS[:, 0]
    np.testing.assert_allclose(found["x"], expected, rtol=1e-6)

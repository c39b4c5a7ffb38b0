"""Operators of no standard: a reason, and what to do."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from inspector.autodiff import vjp
from inspector.errors import NotDifferentiable


def model(domain: str, op_type: str) -> onnx.ModelProto:
    node = helper.make_node(op_type, ["x", "w"], ["y"], name="the node", domain=domain)
    graph = helper.make_graph(
        [node],
        "graph",
        [helper.make_tensor_value_info("x", 1, [2, 3])],
        [helper.make_tensor_value_info("y", 1, [2, 3])],
        [numpy_helper.from_array(np.ones((2, 3), np.float32), "w")],
    )
    imports = [helper.make_opsetid("", 18), helper.make_opsetid(domain, 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=9)


@pytest.mark.parametrize(
    ("domain", "op_type", "said"),
    [
        ("com.microsoft.nchwc", "Conv", "ORT_ENABLE_EXTENDED"),
        ("com.microsoft", "MoE", "mixture of experts"),
        ("com.microsoft", "BeamSearch", "one by one"),
        ("com.microsoft", "SparseAttention", "before it was optimised"),
        ("ai.onnx.contrib", "BertTokenizer", "onnxruntime-extensions"),
        ("org.pytorch.aten", "ATen", "export the model again"),
        ("my.company", "Frobnicate", "'my.company' is not part of the ONNX standard"),
    ],
)
def test_the_refusal_names_the_operator_and_says_why(domain: str, op_type: str, said: str) -> None:
    with pytest.raises(NotDifferentiable, match=f"{domain}.{op_type}.*the node") as refusal:
        vjp(model(domain, op_type), outputs=["y"], wrt=["x"])
    assert said in str(refusal.value)

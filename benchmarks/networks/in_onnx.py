"""A graph as long as one likes, to see what building costs for each node."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from benchmarks.work import File, Work

__all__ = ["write"]

OPSET, IR_VERSION = 18, 9


def write(work: dict[str, Any], file: File) -> None:
    """`Conv`, `Relu`, `Mul`, `Add`, `Tanh` and again, on a small map, then `Flatten`."""
    asked = Work(**work)
    count = int(asked.spec.make.partition(":")[2])
    rng = np.random.default_rng(0)
    weights, nodes, last = [], [], "image"
    for number in range(count - 1):
        operator = ("Conv", "Relu", "Mul", "Add", "Tanh")[number % 5]
        inputs = [last]
        if operator in ("Conv", "Mul", "Add"):
            shape = (1, 1, 1, 1)
            value = rng.uniform(0.5, 1.5, shape).astype(np.float32)
            weights.append(numpy_helper.from_array(value, f"weight{number}"))
            inputs.append(f"weight{number}")
        last = f"value{number}"
        nodes.append(helper.make_node(operator, inputs, [last]))
    nodes.append(helper.make_node("Flatten", [last], ["logits"]))
    batch = asked.batch if file == "fixed" else "N"
    places = asked.size * asked.size
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 1, asked.size, asked.size])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, places])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    path = asked.path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)

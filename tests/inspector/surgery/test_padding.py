"""Zero padding before convolutions: the same numbers with it in the convolution, and none changed otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from inspector.surgery import fold_padding

X = np.random.default_rng(0).standard_normal((2, 3, 6, 7)).astype(np.float32)
W = np.random.default_rng(1).standard_normal((4, 3, 3, 3)).astype(np.float32)


def model(
    widths: list[int],
    behind: tuple[str, ...] = ("Conv",),
    value: float | None = None,
    shown: bool = False,
    mode: str = "constant",
    **conv: Any,
) -> ir.Model:
    """Pad, and each operator of `behind` on its result."""
    constants: dict[str, np.ndarray] = {"w": W, "pads": np.array(widths, np.int64)}
    if value is not None:
        constants["value"] = np.array(value, np.float32)
    nodes = [
        helper.make_node("Pad", ["x", "pads", *(["value"] if value is not None else [])], ["p"], mode=mode)
    ]
    for number, kind in enumerate(behind):
        inputs, options = (["p", "w"], conv) if kind == "Conv" else (["p"], {"kernel_shape": [3, 3]})
        nodes.append(helper.make_node(kind, inputs, [f"y{number}"], **options))
    names = [f"y{number}" for number in range(len(behind))] + ["p"] * shown
    graph = helper.make_graph(
        nodes,
        "padded",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 6, 7])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * 4) for name in names],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return ir.from_proto(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9))


def run(graph: ir.Model) -> list[np.ndarray]:
    proto = ir.to_proto(graph)
    onnx.checker.check_model(proto)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return list(session.run(None, {"x": X}))


def has_pad(graph: ir.Model) -> bool:
    return any(node.op_type == "Pad" for node in graph.graph)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"value": 0.0},
        {"pads": [1, 0, 2, 1], "strides": [2, 2]},
        {"auto_pad": "VALID"},
        {"behind": ("Conv", "Conv")},
    ],
    ids=["as it is", "zero given", "added to its own", "valid", "two readers"],
)
def test_it_goes_into_the_convolution(options: dict[str, Any]) -> None:
    graph = model([0, 0, 0, 1, 0, 0, 2, 1], **options)
    before = run(graph)
    fold_padding(graph)
    assert not has_pad(graph)
    for one, other in zip(run(graph), before, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"value": 1.0},
        {"shown": True},
        {"behind": ("Conv", "MaxPool")},
        {"mode": "reflect"},
        {"auto_pad": "SAME_UPPER"},
        {"widths": [0, 0, -1, 0, 0, 0, 0, 0]},
    ],
    ids=["ones", "shown", "a maximum too", "reflected", "as much as fits", "cropped"],
)
def test_it_stays_where_it_says_more(options: dict[str, Any]) -> None:
    graph = model(**{"widths": [0, 0, 1, 1, 0, 0, 1, 1], **options})
    before = run(graph)
    fold_padding(graph)
    assert has_pad(graph)
    for one, other in zip(run(graph), before, strict=True):
        np.testing.assert_array_equal(one, other)

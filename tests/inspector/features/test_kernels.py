"""The weights of any layer: as stored, as rows, de-quantised, computed from constants."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from inspector import Inspector
from inspector.errors import LayerNotFound
from tests.inspector.graphs import cnn, cnn_weights, model, normal


def test_those_of_a_convolution_and_of_a_dense_layer() -> None:
    lens = Inspector(cnn())
    np.testing.assert_array_equal(lens.kernels("Conv:1"), cnn_weights()["conv.weight"])
    np.testing.assert_array_equal(lens.kernels("logits"), cnn_weights()["fc.weight"])
    with pytest.raises(
        LayerNotFound, match="'relu' is Relu, which has no kernels; layers with kernels: conv, logits"
    ):
        lens.kernels("relu")


@pytest.mark.parametrize("sides", [(5,), (3, 4), (2, 3, 2)])
@pytest.mark.parametrize("op_type", ["Conv", "ConvTranspose"])
def test_any_rank_and_depthwise(op_type: str, sides: tuple[int, ...]) -> None:
    weights = {"w": normal(6, 2, *sides), "d": normal(6, 1, *sides)}
    nodes = [
        helper.make_node(op_type, ["x", "w"], ["full"], kernel_shape=sides),
        helper.make_node(op_type, ["y", "d"], ["depthwise"], group=6, kernel_shape=sides),
    ]
    spatial = ["a", "b", "c"][: len(sides)]
    channels = 2 if op_type == "Conv" else 6
    inputs = {"x": ["n", channels, *spatial], "y": ["n", 6, *spatial]}
    lens = Inspector(model(nodes, inputs, {"full": None, "depthwise": None}, weights))
    np.testing.assert_array_equal(lens.kernels("full"), weights["w"])
    np.testing.assert_array_equal(lens.kernels("depthwise"), weights["d"])


@pytest.mark.parametrize(
    ("node", "stored", "expected"),
    [
        (helper.make_node("MatMul", ["x", "w"], ["y"]), normal(2, 3), normal(2, 3).T),
        (helper.make_node("MatMul", ["w", "x"], ["y"]), normal(3, 4), normal(3, 4)),
        (helper.make_node("Gemm", ["x", "w"], ["y"]), normal(2, 3), normal(2, 3).T),
        (helper.make_node("Gemm", ["x", "w"], ["y"], transB=1), normal(3, 2), normal(3, 2)),
        (helper.make_node("Gemm", ["w", "x"], ["y"]), normal(3, 4), normal(3, 4)),
        (helper.make_node("Gemm", ["w", "x"], ["y"], transA=1), normal(4, 3), normal(4, 3).T),
    ],
    ids=["x w", "w x", "Gemm", "Gemm transposed", "Gemm left", "Gemm left transposed"],
)
def test_rows_of_products_act_on_what_comes_in(
    node: onnx.NodeProto, stored: np.ndarray, expected: np.ndarray
) -> None:
    first = node.input[0] == "x"
    lens = Inspector(model([node], {"x": ["n", 2] if first else [4, "n"]}, {"y": None}, {"w": stored}))
    rows = lens.kernels("y")
    np.testing.assert_array_equal(rows, expected)
    x = normal(5, 2) if first else normal(4, 5)
    product = x @ rows.T if first else rows @ x
    np.testing.assert_allclose(lens.run(x)["y"], product, rtol=1e-5, atol=1e-7)


def test_a_stack_of_matrices_keeps_its_first_axis() -> None:
    weights = {"w": normal(4, 2, 3)}
    lens = Inspector(
        model([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": [4, "n", 2]}, {"y": None}, weights)
    )
    np.testing.assert_array_equal(lens.kernels("y"), weights["w"].transpose(0, 2, 1))


def test_a_bias_with_a_name_and_a_sum_of_two_branches() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["raw"]),
        helper.make_node("Add", ["b", "raw"], ["biased"]),
        helper.make_node("Identity", ["biased"], ["conv"]),
        helper.make_node("Add", ["conv", "raw"], ["sum"]),
    ]
    weights = {"w": normal(2, 1, 3, 3), "b": normal(1, 2, 1, 1)}
    lens = Inspector(model(nodes, {"x": ["n", 1, 4, 4]}, {"conv": None, "sum": None}, weights))
    np.testing.assert_array_equal(lens.kernels("conv"), weights["w"])
    # of which of the two would they be?
    with pytest.raises(LayerNotFound, match="'sum' is Add, which has no kernels; layers with kernels: raw"):
        lens.kernels("sum")


def test_what_depends_on_the_input_is_said_to() -> None:
    nodes = [helper.make_node("Conv", ["x", "k"], ["y"])]
    lens = Inspector(model(nodes, {"x": ["n", 1, 4, 4], "k": [1, 1, 3, 3]}, {"y": None}))
    with pytest.raises(LayerNotFound, match="computed as the model runs"):
        lens.kernels("y")
    products = [helper.make_node("MatMul", ["x", "x"], ["y"])]
    with pytest.raises(LayerNotFound, match="computed as the model runs"):
        Inspector(model(products, {"x": [3, 3]}, {"y": None})).kernels("y")
    pools = [helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2])]
    with pytest.raises(LayerNotFound, match="no layer of the model has"):
        Inspector(model(pools, {"x": ["n", 1, 4, 4]}, {"y": None})).kernels("y")


def test_weights_that_the_file_computes_from_constants() -> None:
    """Weight normalisation left in the graph: g v / |v|."""
    v, g = normal(4, 3, 3, 3), 1 + normal(4, 1, 1, 1)
    nodes = [
        helper.make_node("ReduceL2", ["v", "axes"], ["length"], keepdims=1),
        helper.make_node("Div", ["v", "length"], ["unit"]),
        helper.make_node("Mul", ["g", "unit"], ["w"]),
        helper.make_node("Conv", ["x", "w"], ["y"]),
    ]
    axes = np.array([1, 2, 3], dtype=np.int64)
    lens = Inspector(model(nodes, {"x": ["n", 3, 8, 8]}, {"y": None}, {"v": v, "g": g, "axes": axes}))
    expected = g * v / np.sqrt((v**2).sum(axis=(1, 2, 3), keepdims=True))
    np.testing.assert_allclose(lens.kernels("y"), expected, rtol=1e-6)


def test_weights_of_half_the_precision() -> None:
    import ml_dtypes

    stored = normal(4, 3, 3, 3).astype(ml_dtypes.bfloat16)
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"])]
    proto = model(
        nodes, {"x": ["n", 3, 8, 8]}, {"y": None}, {"w": normal(4, 3, 3, 3)}, 22, dtype=TensorProto.BFLOAT16
    )
    tensor = helper.make_tensor("w", TensorProto.BFLOAT16, stored.shape, stored.astype(np.float32).ravel())
    proto.graph.initializer[0].CopyFrom(tensor)
    np.testing.assert_array_equal(Inspector(proto).kernels("y").astype(np.float32), stored.astype(np.float32))


STORED = np.random.default_rng(0).integers(-100, 100, (4, 3, 3, 3)).astype(np.int8)
SCALES = np.array([0.01, 0.02, 0.03, 0.04], dtype=np.float32)


def test_quantised_weights_in_qdq_form() -> None:
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "scales", "zeros"], ["real"], axis=0),
        helper.make_node("Conv", ["x", "real"], ["y"]),
    ]
    weights = {"w": STORED, "scales": SCALES, "zeros": np.zeros(4, np.int8)}
    lens = Inspector(model(nodes, {"x": ["n", 3, 8, 8]}, {"y": None}, weights))
    np.testing.assert_allclose(lens.kernels("y"), STORED * SCALES.reshape(4, 1, 1, 1), rtol=1e-6)


def test_quantised_weights_in_an_operator_of_their_own() -> None:
    scale, zero, point = np.float32(0.05), np.uint8(128), np.int8(3)
    weights = {
        "w": STORED, "s": scale, "z": zero, "ws": SCALES, "wz": np.full(4, point), "ys": np.float32(0.5), "yz": zero,
        "m": STORED[:, 0, 0], "ms": np.float32(0.1), "mz": point,
    }  # fmt: skip
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("QLinearConv", ["q", "s", "z", "w", "ws", "wz", "ys", "yz"], ["conv"]),
        helper.make_node("DequantizeLinear", ["conv", "ys", "yz"], ["y"]),
        helper.make_node("ConvInteger", ["q", "w", "z", "mz"], ["integers"]),
        helper.make_node("ReduceMax", ["q", "last"], ["rows"], keepdims=0),
        helper.make_node("QLinearMatMul", ["rows", "s", "z", "m", "ms", "mz", "ys", "yz"], ["product"]),
    ]
    weights["m"] = STORED[:, 0, 0, :3].reshape(4, 3)
    graph = model(
        nodes, {"x": ["n", 3, 8, 4]}, {"y": None}, {**weights, "last": np.array([3], dtype=np.int64)}
    )
    graph.graph.output.append(helper.make_tensor_value_info("integers", TensorProto.INT32, None))
    graph.graph.output.append(helper.make_tensor_value_info("product", TensorProto.UINT8, None))
    lens = Inspector(graph)
    expected = (STORED.astype(np.float32) - 3) * SCALES.reshape(4, 1, 1, 1)
    np.testing.assert_allclose(lens.kernels("conv"), expected, rtol=1e-6)
    # the scale of ConvInteger's result is none of its own
    np.testing.assert_array_equal(lens.kernels("integers"), STORED.astype(np.float32) - 3)
    rows = (weights["m"].astype(np.float32) - 3) * 0.1
    np.testing.assert_allclose(lens.kernels("product"), np.swapaxes(rows, -1, -2), rtol=1e-6)

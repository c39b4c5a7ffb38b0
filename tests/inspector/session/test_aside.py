"""Large weights go to onnxruntime as they lie in memory: the values are those of the whole message."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper, numpy_helper

from inspector.session import Session
from inspector.session.aside import IN_MEMORY, LARGE, set_aside
from inspector.session.serialise import serialise

TYPES = {np.float16: TensorProto.FLOAT16, np.float32: TensorProto.FLOAT, np.float64: TensorProto.DOUBLE}


def product(dtype: type[np.floating]) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """The product x w + b + table[4], of which w and the table are large."""
    random = np.random.default_rng(0)
    weights = {
        "w": random.standard_normal((96, 200)).astype(dtype),
        "b": random.standard_normal(200).astype(dtype),
        "table": random.standard_normal((100, 200)).astype(dtype),
        "place": np.array(4),
    }
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["product"]),
            helper.make_node("Add", ["product", "b"], ["moved"]),
            helper.make_node("Gather", ["table", "place"], ["row"]),
            helper.make_node("Add", ["moved", "row"], ["y"]),
        ],
        "product",
        [helper.make_tensor_value_info("x", TYPES[dtype], ["n", 96])],
        [helper.make_tensor_value_info("y", TYPES[dtype], ["n", 200])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), weights


@pytest.mark.parametrize("dtype", list(TYPES))
def test_large_weights_are_left_out_of_the_message_and_give_the_same_values(dtype: type[np.floating]) -> None:
    proto, weights = product(dtype)
    model = ir.from_proto(proto)
    before = ir.to_proto(model).SerializeToString()
    bare, aside = set_aside(model)
    assert list(aside) == ["w", "table"]
    for name, array in aside.items():
        np.testing.assert_array_equal(array, weights[name])
    assert min(array.nbytes for array in aside.values()) >= LARGE
    assert len(serialise(bare).message) < LARGE
    assert ir.to_proto(model).SerializeToString() == before

    x = np.random.default_rng(1).standard_normal((3, 96)).astype(dtype)
    (found,) = Session(model, "cpu").run({"x": x}).values()
    (whole,) = Session(proto, "cpu").run({"x": x}).values()
    np.testing.assert_array_equal(found, whole)
    exact = x.astype(np.float64) @ weights["w"] + weights["b"] + weights["table"][4]
    # 96 products and two sums, each rounded
    bound = 100 * np.finfo(dtype).eps * (np.abs(x.astype(np.float64)) @ np.abs(weights["w"]) + 10)
    assert (np.abs(found - exact) <= bound).all()


def test_the_runtime_keeps_values_of_its_own() -> None:
    proto, _ = product(np.float32)
    arrays = {tensor.name: numpy_helper.to_array(tensor).copy() for tensor in proto.graph.initializer}
    model = ir.from_proto(proto)
    for name, value in model.graph.initializers.items():
        value.const_value = ir.tensor(arrays[name], name=name)
    x = np.ones((1, 96), np.float32)
    session = Session(model, "cpu")
    (before,) = session.run({"x": x}).values()
    for name in ("w", "table"):
        arrays[name][:] = np.nan
    del model
    gc.collect()
    np.testing.assert_array_equal(session.run({"x": x})["y"], before)


def test_weights_in_files_stay_there(tmp_path: Path) -> None:
    proto, weights = product(np.float32)
    onnx.save(
        proto, tmp_path / "model.onnx", save_as_external_data=True, location="weights", size_threshold=0
    )
    model = ir.load(tmp_path / "model.onnx")
    w = model.graph.initializers["w"]
    w.const_value = ir.tensor(weights["w"], name="w")
    bare, aside = set_aside(model)
    assert list(aside) == ["w"]
    places = {
        name: value.const_value.location if isinstance(value.const_value, ir.ExternalTensor) else None
        for name, value in bare.graph.initializers.items()
    }
    assert places == {"w": IN_MEMORY, "b": "weights", "table": "weights", "place": "weights"}
    # a message, and what is small altogether, is what it was
    assert set_aside(proto) == (proto, {})

"""Models that compute in other numbers: quantised ones, halves, doubles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_dynamic, quantize_static

from inspector import Inspector
from tests.inspector.embed.running import agrees, run
from tests.inspector.graphs import cnn, images

X = images(3)


class Pictures(CalibrationDataReader):  # type: ignore[misc]  # the library ships no types
    def __init__(self) -> None:
        self.batches: Iterator[dict[str, Any]] = iter({"image": images(2, seed=n)} for n in range(3))

    def get_next(self) -> dict[str, Any] | None:
        return next(self.batches, None)


def quantised(kind: str, folder: Path) -> Inspector:
    source, path = folder / "model.onnx", folder / "quantised.onnx"
    onnx.save(cnn(), source)
    if kind == "dynamic":
        quantize_dynamic(source, path)
    else:
        quantize_static(source, path, Pictures(), quant_format=QuantFormat.from_string(kind))
    return Inspector(path)


@pytest.mark.parametrize("kind", ["QDQ", "QOperator", "dynamic"])
def test_quantised_models(kind: str, tmp_path: Path) -> None:
    """The outputs are those of the file, rounded; the gradient is that of the graph that does not round."""
    lens, path = quantised(kind, tmp_path), tmp_path / "explained.onnx"
    assert lens.evaluator.lowered.quantised
    for method, classes in (("gradcam", [1, -1, 4]), ("guided-gradcam", [1, -1, 4]), ("saliency", None)):
        agrees(lens, path, {"image": X}, method, classes=classes)
    found = run(path, {"image": X})
    np.testing.assert_array_equal(found["logits"], run(tmp_path / "quantised.onnx", {"image": X})["logits"])
    # 8-bit weights are there once, as 8 bits
    held = [numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer]
    before = [
        numpy_helper.to_array(tensor) for tensor in onnx.load(tmp_path / "quantised.onnx").graph.initializer
    ]
    assert sum(array.nbytes for array in held) < 1.5 * sum(array.nbytes for array in before)


def test_the_rounded_class_is_what_is_explained(tmp_path: Path) -> None:
    """Where rounding changes the top class, the file's own word counts."""
    lens = quantised("QDQ", tmp_path)
    whole, found = Inspector(cnn()), []
    for seed in range(40):
        x = images(16, seed=seed)
        found += [image for image, one, other in zip(x, lens.run(x)["logits"], whole.run(x)["logits"], strict=True)
                  if one.argmax() != other.argmax()]  # fmt: skip
    assert found
    agrees(lens, tmp_path / "explained.onnx", {"image": np.stack(found)})


@pytest.mark.parametrize("kind", ["float16", "float64"])
def test_halves_and_doubles(kind: str, tmp_path: Path) -> None:
    proto, dtype = cnn(), np.dtype(kind)
    for tensor in proto.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(dtype), tensor.name))
    number = {"float16": TensorProto.FLOAT16, "float64": TensorProto.DOUBLE}[kind]
    for value in (*proto.graph.input, *proto.graph.output):
        value.type.tensor_type.elem_type = number
    # onnxruntime has no double Conv and MaxPool
    nodes = list(proto.graph.node)
    if kind == "float64":
        nodes[0].input[0], nodes[0].input[1], nodes[0].input[2] = "single", "conv.weight.1", "conv.bias.1"
        for tensor in list(proto.graph.initializer)[:2]:
            array = numpy_helper.to_array(tensor).astype(np.float32)
            proto.graph.initializer.append(numpy_helper.from_array(array, f"{tensor.name}.1"))
        nodes[0].output[0], nodes[1].input[0] = "conv", "double"
        casts = [
            helper.make_node("Cast", ["image"], ["single"], to=1),
            helper.make_node("Cast", ["conv"], ["double"], to=11),
        ]
        nodes = [casts[0], nodes[0], casts[1], *nodes[1:]]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    lens, path, x = Inspector(proto), tmp_path / "explained.onnx", X.astype(dtype)
    for method in ("gradcam", "saliency"):
        lens.embed(path, method)
        found, expected = run(path, {"image": x}), lens.explain(x, method)
        assert (found["logits"].dtype, found["heatmap"].dtype) == (dtype, np.float32)
        # of halves the runtime rounds each fused group of nodes once, and groups differ between two graphs
        np.testing.assert_allclose(
            found["heatmap"], expected.heatmap, rtol=0, atol=1e-5 if kind == "float64" else 2**-8
        )

"""The float32 evaluation of a part of a graph, beside the session that a gradient was shown by."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from inspector.check import single
from inspector.check.single import Float32Evaluator
from inspector.session import Session
from tests.inspector.check.problems import model, normal


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[onnx.ModelProto]:
    """The models that sessions are made of."""
    models = []

    def session(proto: onnx.ModelProto, providers: list[str]) -> Session:
        models.append(proto)
        return Session(proto, providers=providers)

    monkeypatch.setattr(single, "Session", session)
    return models


def _dims(proto: onnx.ModelProto) -> list[int | str] | None:
    (declared,) = proto.graph.input
    if not declared.type.tensor_type.HasField("shape"):
        return None
    return [dim.dim_param or dim.dim_value for dim in declared.type.tensor_type.shape.dim]


def test_the_runtime_is_told_the_shape_that_the_file_gives(opened: list[onnx.ModelProto]) -> None:
    """It fuses by it, so it rounds alike and takes the decisions that were shown."""
    evaluator = Float32Evaluator(model("float[1,4] x => float[1,4] y", "y = Relu(x)"))
    evaluator.run(["y"], {"x": normal(1, 4)})
    evaluator.run(["y"], {"x": normal(1, 4) + 1})
    assert [_dims(proto) for proto in opened] == [[1, 4]]


def test_a_batch_of_more_samples_than_the_file_gives(opened: list[onnx.ModelProto]) -> None:
    evaluator = Float32Evaluator(model("float[1,4] x => float[1,4] y", "y = Relu(x)"))
    x = normal(3, 4)
    for value in (x, x[:1], x):
        (y,) = evaluator.run(["y"], {"x": value})
        np.testing.assert_array_equal(y, np.maximum(value, 0))
    assert [_dims(proto) for proto in opened] == [None, [1, 4]]

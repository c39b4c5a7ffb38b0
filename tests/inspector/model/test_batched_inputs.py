"""Which inputs have a batch axis, by the names of their first dimensions."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from inspector import Inspector
from tests.inspector.graphs import Dims, model, normal


def product(first: str, second: str) -> Inspector:
    nodes = [
        helper.make_node("Mul", ["x", "y"], ["both"]),
        helper.make_node("MatMul", ["both", "weight"], ["scores"]),
    ]
    inputs: dict[str, Dims] = {"x": [first, 3], "y": [second, 3]}
    return Inspector(model(nodes, inputs, {"scores": ["rows", 5]}, {"weight": normal(3, 5)}))


@pytest.mark.parametrize(("first", "second"), [("batch", "batch"), ("unk__1", "unk__2")])
def test_one_batch(first: str, second: str) -> None:
    lens = product(first, second)
    assert lens.model.batched_inputs == {"x", "y"}
    feeds = {"x": np.ones((4, 3), np.float32), "y": normal(4, 3)}
    assert lens.check(feeds).passed


def test_another_name_is_another_axis() -> None:
    assert product("batch", "words").model.batched_inputs == {"x"}

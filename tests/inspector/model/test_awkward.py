"""Everything in `awkward` loads, is listed, shows every activation, and keeps its values when it is converted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest

from inspector import Inspector
from inspector.model import load
from inspector.model.declarations import restore_maps
from tests.inspector.model.awkward import BUILDERS, Feeds

# values that another sum or another exponential may differ in by a few float32 roundings
CLOSE = {"rtol": 1e-5, "atol": 1e-6}
HALF = {"rtol": 2e-3, "atol": 2e-3}


def run(proto: onnx.ModelProto, feeds: Mapping[str, Any]) -> dict[str, Any]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    taken = {each.name: feeds[each.name] for each in session.get_inputs()}
    return dict(zip([each.name for each in session.get_outputs()], session.run(None, taken), strict=True))


def assert_same(found: Any, expected: Any) -> None:
    if not isinstance(expected, np.ndarray):
        assert str(found) == str(expected)
    elif expected.dtype.kind == "f":
        np.testing.assert_allclose(found, expected, **(HALF if expected.dtype == np.float16 else CLOSE))
    else:
        np.testing.assert_array_equal(found, expected)


@pytest.fixture(params=BUILDERS)
def given(request: pytest.FixtureRequest) -> tuple[onnx.ModelProto, Feeds]:
    return BUILDERS[request.param]()


def test_the_graph_computes_what_the_file_does(given: tuple[onnx.ModelProto, Feeds]) -> None:
    proto, feeds = given
    loaded = load(proto)
    expected = run(proto, feeds)
    for graph in (loaded.graph, loaded.normalised):
        found = run(restore_maps(ir.to_proto(graph), proto), feeds)
        assert list(found) == list(expected)
        for name, value in expected.items():
            assert_same(found[name], value)
    assert loaded.normalised.opset_imports[""] >= 18


def test_layers_and_activations(given: tuple[onnx.ModelProto, Feeds]) -> None:
    proto, feeds = given
    lens = Inspector(proto)
    layers = lens.layers(plumbing=True)
    json.dumps([dict(layer.attributes) for layer in layers])
    found = lens.activations(feeds, layers=layers)
    # what is no tensor (a sequence, an optional, a map) has no activation
    assert list(found) == [layer.name for layer in layers if layer.reason is None]
    expected = run(proto, feeds)
    for layer in layers:
        if layer.name in found:
            dtype = "float32" if layer.dtype in ("int4", "uint4") else layer.dtype
            assert found[layer.name].dtype.name.replace("object", "string") == dtype
            if layer.shape is not None:
                known = [(dim, size) for dim, size in zip(layer.shape, found[layer.name].shape, strict=True)]
                assert all(not isinstance(dim, int) or dim == size for dim, size in known), layer
        if layer.name in expected and layer.name in found:
            assert_same(found[layer.name], expected[layer.name])
    for name, value in lens.run(feeds).items():
        assert_same(value, expected[name])


# a state may change its shape from one iteration to the next
UNKNOWN = {"unknown_rank": {"h", "y"}, "function_with_a_body": {"a"}}


@pytest.mark.parametrize("name", BUILDERS)
def test_every_type_and_rank_is_known(name: str) -> None:
    """Where the file lets it: only a tensor's."""
    layers = load(BUILDERS[name]()[0]).layers
    assert {layer.name for layer in layers if layer.reason is None and layer.shape is None} == UNKNOWN.get(
        name, set()
    )

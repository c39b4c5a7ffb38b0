"""The table of changes between opsets is whole; what it cannot express is said."""

from __future__ import annotations

import itertools

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from inspector import Inspector
from inspector.errors import ModelError
from inspector.model import load
from inspector.model.upgrade.adapters import ADAPTERS
from tests.inspector.model.awkward import floats, text

OLD, NEW = 7, 18

# changes of form that change no meaning of a node written in the older one
HARMLESS = {
    ("OptionalHasElement", 18): "may be given a tensor",
    ("Loop", 11): "fewer inputs are allowed",
    ("BatchNormalization", 15): "types only",
}


def changes() -> list[tuple[str, int]]:
    """(operator, opset) of every new version that a node in the form of the one before may not be valid in."""
    versions: dict[str, list[onnx.defs.OpSchema]] = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain == "" and schema.since_version <= NEW:
            versions.setdefault(schema.name, []).append(schema)
    found = []
    for name, schemas in versions.items():
        schemas.sort(key=lambda schema: schema.since_version)
        for old, new in itertools.pairwise(schemas):
            if new.since_version > OLD and not fits(old, new):
                found.append((name, new.since_version))
    return found


def fits(old: onnx.defs.OpSchema, new: onnx.defs.OpSchema) -> bool:
    """Whether every node valid by `old` is valid, with the same defaults, by `new`."""
    same_defaults = all(
        name in new.attributes
        and attribute.default_value.SerializeToString()
        == new.attributes[name].default_value.SerializeToString()
        for name, attribute in old.attributes.items()
    )
    fewer = new.min_input > old.min_input or new.max_input < old.max_input or new.max_output < old.max_output
    required = any(
        attribute.required and name not in old.attributes for name, attribute in new.attributes.items()
    )
    return same_defaults and not fewer and not required and not new.deprecated


@pytest.mark.parametrize(("operator", "opset"), changes())
def test_every_change_of_an_operator_has_its_adapter(operator: str, opset: int) -> None:
    # an operator that goes is adapted into its successor in the opset that drops it
    steps = [since for since, _ in ADAPTERS.get(operator, ())]
    assert opset in steps or (operator, opset) in HARMLESS


def test_steps_stand_in_order() -> None:
    for steps in ADAPTERS.values():
        assert [since for since, _ in steps] == sorted(since for since, _ in steps)


def test_scan_with_lengths_is_refused_and_still_shown() -> None:
    model = text(
        """g (float[2,3,4] x) => (float[2,4] last) <int64[2] lengths = {3, 2}> {
            zeros = Constant<value = float[2,4] {0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0}>()
            last, sums = Scan<num_scan_inputs = 1, body = b (float[4] s, float[4] e) => (float[4] s2, float[4] o)
                { t = Tanh(e) s2 = Add(s, t) o = Identity(s2) }>(lengths, zeros, x)
        }""",
        '"" : 8',
        ir_version=3,
    )
    model.graph.input.append(onnx.helper.make_tensor_value_info("lengths", onnx.TensorProto.INT64, [2]))
    loaded = load(model)
    assert "last" in [layer.name for layer in loaded.layers]
    with pytest.raises(ModelError, match="lengths of its sequences"):
        _ = loaded.normalised


def test_an_opset_older_than_any_is_refused_and_still_shown() -> None:
    model = text("g (float[2,3] x) => (float[2,3] y) { y = Relu(x) }", '"" : 6', ir_version=3)
    loaded = load(model)
    assert [layer.op_type for layer in loaded.layers] == ["Relu"]
    with pytest.raises(ModelError, match="opset 6, older than the 7"):
        _ = loaded.normalised


@pytest.mark.parametrize(
    "scales", [(1, 1, 0.5, 0.5), (1, 1, 2, 0.5), (1, 1, 3, 2), (1, 1, 0.4, 1.7), (1, 1, 1.3, 1)]
)
def test_nearest_resizing_of_opset_10_rounds_as_the_runtime_does(scales: tuple[float, ...]) -> None:
    model = text(
        'g (float[n,2,7,9] x) => (float[n,2,p,q] y) { y = Resize<mode = "nearest">(x, scales) }', '"" : 10'
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array(scales, dtype=np.float32), "scales"))
    lens = Inspector(model)
    x = floats(2, 2, 7, 9)
    found = lens.evaluator.session(lens.model.normalised).run({"x": x})
    np.testing.assert_array_equal(found["y"], lens.run(x)["y"])

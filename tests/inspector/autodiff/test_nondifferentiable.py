"""The fixed lists of operators without a derivative: that it is zero, or that there is none, shown for every entry.

Of each entry one of four things holds: no result moves when an input does (finite differences, in onnxruntime); the
types of the standard leave no way from a floating-point tensor to another; a result is drawn at random; or the
runtime runs no file that holds the operator.
"""

from __future__ import annotations

import re
import struct
from typing import Any

import numpy as np
import onnx
import onnx.defs
import onnxruntime
import pytest
from onnx import TensorProto, helper

from inspector.autodiff import vjp
from inspector.autodiff.nondifferentiable import REFUSED, ZERO_DERIVATIVE

from .case import Array, Case, Fixed, float_outputs, normal

Key = tuple[str, str]

SCALE, WRITTEN = Fixed(np.array(0.25)), Fixed(np.array(0.07))
ZERO_POINT, MIDDLE = Fixed(np.array(3, dtype=np.uint8)), Fixed(np.array(100, dtype=np.uint8))
STEP = 2.0**-10
"""Half of which does not reach the next step of any row."""


def _learned(op: str, x: Array, /, outputs: int = 1, version: int = 1, **attributes: Any) -> Case:
    return Case(op, [x], attributes, outputs=outputs, domain="ai.onnx.ml", version=version)


X = normal(2, 3)
_TREE: dict[str, Any] = {
    "nodes_treeids": [0, 0, 0],
    "nodes_nodeids": [0, 1, 2],
    "nodes_featureids": [1, 0, 0],
    "nodes_values": [0.125, 0.0, 0.0],
    "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
    "nodes_truenodeids": [1, 0, 0],
    "nodes_falsenodeids": [2, 0, 0],
}

STILL: tuple[Case, ...] = (
    # a comparison of two, with a tensor that only a run knows
    *(Case(op, [X, normal(3)]) for op in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")),
    *(Case(op, [X], opset=20) for op in ("IsInf", "IsNaN")),
    *(Case(op, [X * 3]) for op in ("Ceil", "Floor", "Hardmax", "Round", "Sign")),
    *(Case(op, [X], {"axis": 1}) for op in ("ArgMax", "ArgMin")),
    Case("NonZero", [X]),
    Case(
        "NonMaxSuppression",
        [
            np.array([[[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 0.75], [2.0, 2.0, 3.0, 3.0]]]),
            np.array([[[0.75, 0.5, 0.25]]]),
            Fixed(np.array([3], dtype=np.int64)),
            Fixed(np.array([0.5])),
        ],
    ),
    *(Case(op, [X]) for op in ("EyeLike", "Shape", "Size")),
    # one seed gives one set of numbers, whatever the input is; a Bernoulli of chances is a step
    *(Case(op, [X], {"seed": 1.0}, note=" seeded") for op in ("RandomNormalLike", "RandomUniformLike")),
    Case("Bernoulli", [np.full((4, 5), 0.5)], {"seed": 1.0}, note=" seeded"),
    Case("Multinomial", [X], {"seed": 1.0, "sample_size": 4}, note=" seeded"),
    Case(
        "MelWeightMatrix",
        [*(Fixed(np.array(n, dtype=np.int64)) for n in (8, 64, 8192)), np.array(20.0), np.array(4010.0)],
    ),
    _learned("Binarizer", X, threshold=0.25),
    _learned("LabelEncoder", X, version=2, keys_floats=[1.0, 2.0], values_floats=[5.0, 6.0]),
    _learned("OneHotEncoder", np.array([5.0, 6.0]), cats_int64s=[1, 2], zeros=1),
    _learned(
        "TreeEnsembleRegressor",
        X,
        **_TREE,
        target_treeids=[0, 0],
        target_nodeids=[1, 2],
        target_ids=[0, 0],
        target_weights=[1.0, 2.0],
        n_targets=1,
    ),
    _learned(
        "TreeEnsembleClassifier",
        X,
        outputs=2,
        **_TREE,
        class_treeids=[0, 0],
        class_nodeids=[1, 2],
        class_ids=[0, 1],
        class_weights=[1.0, 2.0],
        classlabels_int64s=[0, 1],
    ),
    _learned(
        "TreeEnsemble",
        X,
        version=5,
        n_targets=1,
        tree_roots=[0],
        nodes_featureids=[1],
        nodes_splits=helper.make_tensor("splits", TensorProto.FLOAT, [1], [0.125]),
        nodes_modes=helper.make_tensor("modes", TensorProto.UINT8, [1], [0]),
        nodes_truenodeids=[0],
        nodes_trueleafs=[1],
        nodes_falsenodeids=[1],
        nodes_falseleafs=[1],
        leaf_targetids=[0, 0],
        leaf_weights=helper.make_tensor("leaves", TensorProto.FLOAT, [2], [1.0, 2.0]),
    ),
    # what rounds to integers; by its scale too
    Case("QuantizeLinear", [X, SCALE, ZERO_POINT]),
    Case("QuantizeLinear", [Fixed(X), np.array(0.3), ZERO_POINT], note=" scale"),
    Case(
        "QLinearMatMul",
        [
            *(np.array([[1, 2], [3, 4]], dtype=np.uint8), np.array(0.25), ZERO_POINT),
            *(np.array([[5, 6], [7, 8]], dtype=np.uint8), np.array(0.375), ZERO_POINT),
            *(WRITTEN, MIDDLE),
        ],
    ),
    Case(
        "QLinearConv",
        [
            *(np.arange(8, dtype=np.uint8).reshape(1, 1, 8), np.array(0.25), ZERO_POINT),
            *(Fixed(np.array([[[1, 2]]], dtype=np.uint8)), Fixed(np.array(0.375)), ZERO_POINT),
            *(WRITTEN, MIDDLE),
        ],
    ),
)

_NOTHING_READ = (
    "And BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor BlackmanWindow Constant ConstantOfShape ConvInteger "
    "HammingWindow HannWindow ImageDecoder MatMulInteger Not Or RandomNormal RandomUniform RegexFullMatch "
    "SequenceEmpty StringConcat StringNormalizer StringSplit TfIdfVectorizer Xor"
)
_NOTHING_WRITTEN = "OptionalHasElement SequenceLength"

UNREACHED: frozenset[Key] = frozenset(
    [("", op) for op in f"{_NOTHING_READ} {_NOTHING_WRITTEN}".split()]
    + [("ai.onnx.ml", op) for op in ("CategoryMapper", "CastMap", "DictVectorizer", "ZipMap")]
)
"""No way by the types, maps taken for none."""

NOT_RUN = frozenset(("ai.onnx.preview.training", op) for op in ("Adagrad", "Adam", "Gradient", "Momentum"))

APART: frozenset[Key] = frozenset({("", "BitCast"), ("", "DequantizeLinear"), ("", "DynamicQuantizeLinear")})
"""Each has a test of its own."""

FLOATING = ("tensor(float)", "tensor(double)", "tensor(float16)", "tensor(bfloat16)")


def test_every_entry_is_shown() -> None:
    shown = {(case.domain, case.op) for case in STILL} | UNREACHED | NOT_RUN | APART
    assert shown == set(ZERO_DERIVATIVE) | set(REFUSED)
    assert all(reason for reason in (*ZERO_DERIVATIVE.values(), *REFUSED.values()))


def _runtime(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _run(model: onnx.ModelProto, feeds: dict[str, Array]) -> list[Array]:
    # (a new session each time: a seed starts its numbers anew)
    return [np.asarray(result) for result in _runtime(model).run(None, feeds)]


@pytest.mark.parametrize("case", STILL, ids=lambda case: case.name)
def test_differences_are_zero(case: Case) -> None:
    model = case.model()
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=f"y{i}") for i in range(case.outputs))
    there = _run(model, case.feeds)
    rng = np.random.default_rng(11)
    assert case.wrt
    for name in case.wrt:
        for _ in range(4):
            v = rng.choice([-1.0, 1.0], size=case.feeds[name].shape)
            for step in (STEP, STEP / 2):
                moved = np.asarray(case.feeds[name] + step * v, dtype=np.float32)
                assert np.all(moved != case.feeds[name])
                for before, after in zip(there, _run(model, {**case.feeds, name: moved}), strict=True):
                    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize(
    "case",
    [case for case in STILL if (case.domain, case.op) in ZERO_DERIVATIVE],
    ids=lambda case: case.name,
)
def test_nothing_flows_back(case: Case) -> None:
    model = case.model()
    targets = float_outputs(model)
    if case.domain or not targets:
        # by a cast of the first result, which is no floating-point tensor, or whose type inference does not know
        model.graph.node.add(op_type="Cast", input=[f"y{case.outputs - 1}"], output=["cast"], name="the_cast")
        model.graph.node[-1].attribute.append(helper.make_attribute("to", TensorProto.FLOAT))
        del model.graph.output[:]
        model.graph.output.append(helper.make_tensor_value_info("cast", TensorProto.FLOAT, None))
        targets = ["cast"]
    (y,) = _run(model, case.feeds)
    session = _runtime(vjp(model, targets, case.wrt))
    names = [f"gradient.{name}" for name in case.wrt]
    results = session.run(names, {**case.feeds, f"cotangent.{targets[0]}": np.ones_like(y)})
    for name, back in zip(case.wrt, results, strict=True):
        np.testing.assert_array_equal(back, np.zeros_like(case.feeds[name]))


@pytest.mark.parametrize("key", sorted(UNREACHED), ids=lambda key: key[1])
def test_the_types_leave_no_way(key: Key) -> None:
    domain, op = key
    schema = onnx.defs.get_schema(op, domain=domain)
    read, written = (
        {kind for each in formal for kind in each.types} for formal in (schema.inputs, schema.outputs)
    )
    assert not (any(map(_floats, read)) and any(map(_floats, written)))


def _floats(kind: str) -> bool:
    """Whether a tensor of floating-point numbers, or a sequence of such, is of this type."""
    return "map(" not in kind and any(each in kind for each in FLOATING)


@pytest.mark.parametrize("key", sorted(NOT_RUN), ids=lambda key: key[1])
def test_the_runtime_does_not_run_it(key: Key) -> None:
    domain, op = key
    schema = onnx.defs.get_schema(op, domain=domain)
    names = [f"x{i}" for i in range(max(schema.min_input, 5))]
    node = helper.make_node(op, names, ["y"], domain=domain)
    graph = helper.make_graph(
        [node],
        op,
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, []) for name in names],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [])],
    )
    imports = [helper.make_opsetid("", 18), helper.make_opsetid(domain, 1)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=10)
    with pytest.raises(Exception, match=re.escape("ai.onnx.preview.training")):
        _runtime(model)


def test_bits_read_as_another_number_have_no_slope() -> None:
    """No other kind of real number is as wide as float32 or float64. From float16 to bfloat16 the slope between
    neighbours is another one at every scale, and between neighbours there is nothing to read.
    """
    kinds = {kind for each in onnx.defs.get_schema("BitCast").inputs for kind in each.types}
    floating = {kind for kind in kinds if "float" in kind or "double" in kind}
    assert {kind for kind in floating if "float8" not in kind and "float4" not in kind} == set(FLOATING)

    def slope(x: float) -> float:
        (bits,) = struct.unpack("<H", struct.pack("<e", x))
        there, after = (struct.unpack("<f", struct.pack("<I", each << 16))[0] for each in (bits, bits + 1))
        (neighbour,) = struct.unpack("<e", struct.pack("<H", bits + 1))
        return float((after - there) / (neighbour - x))

    assert slope(1.0) > 1e3 * slope(0.0625)


def test_what_was_rounded_comes_in_as_integers() -> None:
    """The first input of DequantizeLinear, and of what DynamicQuantizeLinear writes the first output."""
    dequantize, dynamic = (onnx.defs.get_schema(op) for op in ("DequantizeLinear", "DynamicQuantizeLinear"))
    assert not any(kind in FLOATING for kind in dequantize.inputs[0].types)
    assert not any(kind in FLOATING for kind in dynamic.outputs[0].types)
    x = np.array([-1.0, 0.25, 0.7, 2.0], dtype=np.float32)
    model = Case("DynamicQuantizeLinear", [x.astype(float)], outputs=3).model()
    del model.graph.output[1:]
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("y0", TensorProto.UINT8, [4]))
    inner = x + np.array([0, 1e-3, -1e-3, 0], dtype=np.float32)
    there, after = (_run(model, {"x0": each})[0] for each in (x, inner))
    np.testing.assert_array_equal(after, there)

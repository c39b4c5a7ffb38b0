"""Half precision: the first rows of every operator on onnxruntime in float16, against the float64 gradient.

Sums are taken in float32 (the runtime has no float16 kernel that adds up); what remains is the rounding of the inputs,
of the forward pass and of the result, some units of 2^-11.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, numpy_helper

from inspector.autodiff import vjp

from .case import Array, Case
from .cases import CASES
from .checking import pulled_in_double

ROWS = 2
"""Rows of each operator."""
REDUCTIONS = ("add", "max", "min", "mul")
NOT_IN_HALF = frozenset(
    ["Celu", "MeanVarianceNormalization", "Range", "STFT"]
    + [f"{op}:{reduction}" for op in ("ScatterElements", "ScatterND") for reduction in REDUCTIONS]
)
"""The standard (or its function body), or onnxruntime when it runs them, has these in float32 and float64 alone."""
TOLERANCE = 2e-2


def _first_rows() -> list[Case]:
    seen: Counter[str] = Counter()
    rows = []
    for case in CASES:
        reduction = case.attributes.get("reduction", "none")
        key = case.op if reduction == "none" else f"{case.op}:{reduction}"
        typed = "to" in case.attributes or key in NOT_IN_HALF
        if case.runtime and not case.domain and not typed and seen[key] < ROWS:
            seen[key] += 1
            rows.append(case)
    return rows


def narrowed(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model in float16 throughout, bodies included; the scales of Resize stay float32, as it wants them."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    _narrow_graph(copy.graph)
    return copy


def _narrow_graph(graph: onnx.GraphProto) -> None:
    for info in (*graph.input, *graph.output, *graph.value_info):
        kind = info.type.sequence_type.elem_type if info.type.HasField("sequence_type") else info.type
        if kind.tensor_type.elem_type == TensorProto.FLOAT:
            kind.tensor_type.elem_type = TensorProto.FLOAT16
    scales = {name for node in graph.node if node.op_type == "Resize" for name in node.input[2:3]}
    for weight in graph.initializer:
        if weight.data_type == TensorProto.FLOAT and weight.name not in scales:
            narrow = numpy_helper.to_array(weight).astype(np.float16)
            weight.CopyFrom(numpy_helper.from_array(narrow, weight.name))
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _narrow_graph(attribute.g)
            elif node.op_type == "Constant" and attribute.t.data_type == TensorProto.FLOAT:
                narrow = numpy_helper.to_array(attribute.t).astype(np.float16)
                attribute.t.CopyFrom(numpy_helper.from_array(narrow))


def _narrow(array: Array) -> Array:
    return array.astype(np.float16) if array.dtype.kind == "f" else array


@pytest.mark.parametrize("case", _first_rows(), ids=lambda case: case.name)
def test_half_precision(case: Case) -> None:
    pulled = pulled_in_double(case)
    outputs = [name.removeprefix("cotangent.") for name in pulled.cotangents]
    model = vjp(narrowed(case.model()), outputs, case.wrt)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    feeds = {name: _narrow(value) for name, value in {**case.feeds, **pulled.cotangents}.items()}
    results = session.run([f"gradient.{name}" for name in case.wrt], feeds)
    for name, result in zip(case.wrt, results, strict=True):
        truth = pulled.gradients[name]
        assert result.dtype == np.float16
        size = float(np.linalg.norm(truth)) or 1.0
        error = float(np.linalg.norm(result.astype(np.float64) - truth)) / size
        assert error < TOLERANCE, name

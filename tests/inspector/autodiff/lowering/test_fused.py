"""Every row of the table of fused operators: what is made of it beside onnxruntime's own kernel, and its gradient."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from tests.inspector.autodiff.case import Array
from tests.inspector.autodiff.checking import TOLERANCE, pulled_by_runtime, pulled_in_double, worst_error

from .case import FusedCase
from .cases_fused import CASES

# sums of some tens of products in float32, in another order
SINGLE = 1e-5


def run(model: onnx.ModelProto, feeds: dict[str, Array]) -> list[Array]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    results: list[Array] = session.run(None, feeds)
    return results


def distance(found: Array, truth: Array) -> float:
    assert found.shape == truth.shape
    return float(np.max(np.abs(found - truth), initial=0) / max(np.max(np.abs(truth), initial=0), 1e-30))


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
@pytest.mark.parametrize("case", [case for case in CASES if case.cpu], ids=lambda case: case.name)
def test_values_are_those_of_the_runtime(case: FusedCase, dynamic: bool) -> None:
    expected = run(case.file(), case.feeds)
    found = run(case.model(dynamic=dynamic), case.feeds)
    for mine, theirs in zip(found, expected, strict=True):
        assert distance(mine, theirs) < SINGLE


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gradient(case: FusedCase) -> None:
    pulled = pulled_in_double(case)
    assert worst_error(case, pulled) < TOLERANCE
    for dynamic in (False, True):
        found = pulled_by_runtime(case, case.model(dynamic=dynamic), pulled.cotangents)
        for name, truth in pulled.gradients.items():
            assert distance(found[name], truth) < SINGLE

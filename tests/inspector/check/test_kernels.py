from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from inspector.check.kernels import KERNELS
from inspector.check.reference import Float64Evaluator
from tests.inspector.check.cases import ALL, Case
from tests.inspector.check.cases_indexing import INDEXING
from tests.inspector.check.cases_recurrent import RECURRENT
from tests.inspector.check.cases_spatial import SPATIAL

EVERY = [*ALL, *INDEXING, *RECURRENT, *SPATIAL]


@pytest.mark.parametrize("case", EVERY, ids=str)
def test_agrees_with_the_runtime_in_single_precision(case: Case) -> None:
    feeds = case.feeds()
    session = onnxruntime.InferenceSession(
        case.model().SerializeToString(), providers=["CPUExecutionProvider"]
    )
    expected = session.run(None, feeds)
    actual = Float64Evaluator(case.model()).run(None, feeds)
    for got, want in zip(actual, expected, strict=True):
        assert got.dtype == (np.float64 if want.dtype == np.float32 else want.dtype)
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-6)


def test_every_operator_of_the_table_has_a_case() -> None:
    assert set(KERNELS) <= {case.op_type for case in EVERY}

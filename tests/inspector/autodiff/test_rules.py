"""Every row of the table of cases: in float64 against finite differences; in float32 by the runtime, with shapes known;
and again with no axis known, in the newest opset.
"""

from __future__ import annotations

import numpy as np
import pytest

from inspector.autodiff import RULES
from inspector.autodiff.catalogue import EXPANDED

from .case import Case
from .cases import CASES
from .checking import TOLERANCE, pulled_by_runtime, pulled_in_double, worst_error

# a gradient in float32 is a sum of some tens of products, each rounded to 2^-24 = 6e-8
SINGLE = 1e-5


def in_single(gradient: np.ndarray, truth: np.ndarray) -> float:
    assert gradient.shape == truth.shape
    return float(np.max(np.abs(gradient - truth), initial=0) / max(np.max(np.abs(truth), initial=0), 1e-30))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rule(case: Case) -> None:
    pulled = pulled_in_double(case)
    assert worst_error(case, pulled) < TOLERANCE
    if not case.runtime:
        return
    static = pulled_by_runtime(case, case.model(), pulled.cotangents)
    dynamic = pulled_by_runtime(case, case.model(dynamic=True, opset=case.newest), pulled.cotangents)
    for name, truth in pulled.gradients.items():
        assert in_single(static[name], truth) < SINGLE
        assert in_single(dynamic[name], truth) < SINGLE


def test_no_two_cases_are_one() -> None:
    names = [case.name for case in CASES]
    assert sorted(set(names)) == sorted(names)


def test_every_rule_has_a_case() -> None:
    ruled = {op_type for _, op_type in RULES}
    assert {case.op for case in CASES} == ruled | set(EXPANDED)

"""What stands in the tables of lowerings."""

from __future__ import annotations

import onnx_ir as ir

from inspector.autodiff import RULES
from inspector.autodiff.lowering import lower
from inspector.autodiff.lowering.table import FUSED, QUANTISED
from tests.inspector.graphs import cnn

from . import cases_fused, cases_packed, cases_quantised


def test_every_lowering_has_a_case() -> None:
    fused = {(node.domain, node.op_type) for case in cases_fused.CASES for node in case.file().graph.node}
    quantised = {
        (node.domain, node.op_type)
        for case in (*cases_quantised.CASES, *cases_packed.CASES)
        for node in case.file().graph.node
    }
    assert set(FUSED) == fused
    assert set(QUANTISED) <= quantised


def test_no_operator_stands_in_two_tables() -> None:
    assert not set(FUSED) & set(QUANTISED)
    assert not (set(FUSED) | set(QUANTISED)) & set(RULES)


def test_a_model_without_such_operators_is_handed_back() -> None:
    model = ir.from_proto(cnn())
    lowered = lower(model)
    assert lowered.model is model
    assert not lowered.quantised
    assert lowered.replaced == ()

"""The list of operators and what the engine knows of each."""

from __future__ import annotations

from pathlib import Path

import onnx.defs
import pytest

from inspector.autodiff import RULES
from inspector.autodiff.catalogue import EXPANDED, catalogue, reference_page
from inspector.autodiff.formulas import FORMULAS


def test_every_operator_stands_in_one_place_and_exists() -> None:
    entries = catalogue()
    names = [(entry.domain, entry.operator) for entry in entries]
    assert len(set(names)) == len(names)
    assert all(
        onnx.defs.has(entry.operator, entry.domain)
        for entry in entries
        if not entry.domain.startswith("com.microsoft") and entry.kind != "fused"
    )


@pytest.mark.parametrize("domain", ["", "ai.onnx.ml", "ai.onnx.preview", "ai.onnx.preview.training"])
def test_no_operator_of_the_standard_is_missing(domain: str) -> None:
    known = {entry.operator for entry in catalogue() if entry.domain == domain}
    assert {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == domain} <= known


def test_every_rule_of_the_standard_has_a_formula_and_no_formula_is_left_over() -> None:
    assert set(FORMULAS) == {key for key in RULES if key[0] in ("", "ai.onnx.ml")}


def test_says_what_is_known_and_why() -> None:
    by_name = {entry.operator: entry for entry in catalogue() if not entry.domain}
    assert len(by_name) > len({key for key in RULES if not key[0]}) + len(EXPANDED)
    assert by_name["Relu"].kind == "rule"
    assert by_name["Relu"].note == "0 at 0, as every framework has it."
    assert by_name["Attention"].kind == "rule"
    assert by_name["SwiGLU"].kind == "expanded"
    assert by_name["Round"].kind == "zero"
    assert by_name["QuantizeLinear"].kind == "quantised"
    assert {entry.kind for entry in catalogue() if entry.operator == "FusedConv"} == {"fused"}
    assert all(entry.note for entry in catalogue() if entry.kind in ("zero", "refused", "fused", "quantised"))


def test_a_rule_given_to_an_operator_takes_it_off_the_other_lists() -> None:
    entries = catalogue(RULES.override(Round=RULES["", "Identity"]))
    assert [entry.kind for entry in entries if entry.operator == "Round"] == ["rule"]


def test_the_reference_page_is_up_to_date() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "operators.md"
    assert page.read_text() == reference_page(), (
        "run: python -m inspector.autodiff.catalogue > docs/operators.md"
    )

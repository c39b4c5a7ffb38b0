"""The list of operators and what the engine knows of each."""

from __future__ import annotations

from pathlib import Path

import onnx.defs

from inspector.autodiff import RULES
from inspector.autodiff.catalogue import EXPANDED, catalogue, reference_page


def test_every_operator_stands_in_one_place_and_exists() -> None:
    entries = catalogue()
    names = [(entry.domain, entry.operator) for entry in entries]
    assert len(set(names)) == len(names)
    assert all(
        onnx.defs.has(entry.operator, entry.domain)
        for entry in entries
        if not entry.domain.startswith("com.microsoft") and entry.kind != "fused"
    )


def test_says_what_is_known_and_why() -> None:
    by_name = {entry.operator: entry for entry in catalogue() if not entry.domain}
    assert len(by_name) > len({key for key in RULES if not key[0]}) + len(EXPANDED)
    assert by_name["Relu"].kind == "rule"
    assert by_name["Relu"].note == "0 at 0, as every framework has it."
    assert by_name["Attention"].kind == "expanded"
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

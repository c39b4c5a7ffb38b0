"""What the engine knows of each operator, for the reference page and for people."""

from __future__ import annotations

from typing import NamedTuple

from inspector.autodiff.nondifferentiable import REFUSED, ZERO_DERIVATIVE
from inspector.autodiff.table import RULES, RuleTable

__all__ = ["EXPANDED", "Entry", "catalogue"]

EXPANDED = (
    "Attention",
    "CenterCropPad",
    "GroupNormalization",
    "MeanVarianceNormalization",
    "NegativeLogLikelihoodLoss",
    "RMSNormalization",
    "RotaryEmbedding",
    "SoftmaxCrossEntropyLoss",
)
"""Operators without a rule whose definition in the standard, a function body, is known to have derivatives.
(The engine expands any operator that has a body; these are the ones that tests hold.)"""


class Entry(NamedTuple):
    """One operator."""

    domain: str
    operator: str
    kind: str
    """`rule`, `expanded` (by the body in the standard), `zero` (no derivative but zero) or `refused`."""
    note: str


def catalogue(rules: RuleTable = RULES) -> list[Entry]:
    """Every operator that the engine knows, in alphabetical order."""
    entries = [Entry(*key, "rule", _first_paragraph(rule.__doc__)) for key, rule in rules.items()]
    entries += [Entry("", operator, "expanded", "") for operator in EXPANDED]
    entries += [Entry(*key, "zero", reason) for key, reason in ZERO_DERIVATIVE.items() if key not in rules]
    entries += [Entry(*key, "refused", reason) for key, reason in REFUSED.items() if key not in rules]
    return sorted(entries)


def _first_paragraph(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())

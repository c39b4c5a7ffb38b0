"""What the engine knows of each operator, for the reference page and for people."""

from __future__ import annotations

from typing import NamedTuple

from inspector.autodiff.foreign import REFUSED_ELSEWHERE
from inspector.autodiff.lowering.table import FUSED, QUANTISED
from inspector.autodiff.nondifferentiable import REFUSED, ZERO_DERIVATIVE
from inspector.autodiff.table import RULES, RuleTable

__all__ = ["EXPANDED", "Entry", "catalogue", "reference_page"]

EXPANDED = (
    "Attention",
    "CenterCropPad",
    "GRU",
    "GroupNormalization",
    "LSTM",
    "MeanVarianceNormalization",
    "NegativeLogLikelihoodLoss",
    "RMSNormalization",
    "RNN",
    "RotaryEmbedding",
    "SequenceMap",
    "SoftmaxCrossEntropyLoss",
)
"""Operators without a rule whose definition in the standard, a function body or a text, is known to have derivatives.
(The engine expands any operator that has a body; these are the ones that tests hold.)"""


class Entry(NamedTuple):
    """One operator."""

    domain: str
    operator: str
    kind: str
    """`rule`, `expanded` (by the body in the standard), `fused` or `quantised` (replaced by standard operators),
    `zero` (no derivative but zero) or `refused`."""
    note: str


def catalogue(rules: RuleTable = RULES) -> list[Entry]:
    """Every operator that the engine knows, in alphabetical order."""
    entries = [Entry(*key, "rule", _first_paragraph(rule.__doc__)) for key, rule in rules.items()]
    entries += [Entry("", operator, "expanded", "") for operator in EXPANDED]
    entries += [Entry(*key, "zero", reason) for key, reason in ZERO_DERIVATIVE.items() if key not in rules]
    lowered = {"fused": FUSED, "quantised": QUANTISED}
    for kind, table in lowered.items():
        entries += [Entry(*key, kind, _first_paragraph(each.__doc__)) for key, each in table.items()]
    refused = {
        key: reason for key, reason in REFUSED.items() if not any(key in table for table in lowered.values())
    }
    entries += [
        Entry(*key, "refused", reason)
        for key, reason in {**refused, **REFUSED_ELSEWHERE}.items()
        if key not in rules
    ]
    return sorted(entries)


def _first_paragraph(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())


_CHAPTERS = {
    "rule": (
        "With a rule",
        "A rule of their own; each row of the table of cases checks one against finite differences.",
    ),
    "expanded": ("By expansion", "Replaced by what the standard defines them by."),
    "fused": (
        "Fused by runtimes",
        "Replaced by what they are made of, which is compared with the file's own values and then checked in its "
        "place.",
    ),
    "quantised": (
        "Quantised",
        "Replaced by their float meaning: rounding is dropped, saturation at the range of the integer type stays (a "
        "fused ReLU lives there). The gradient is the straight-through one, and the check says that it was made on "
        "that graph.",
    ),
    "zero": (
        "Constant almost everywhere",
        "Their derivative is zero wherever it exists: nothing flows back.",
    ),
    "refused": (
        "Refused",
        "An error where they lie on the path from the tensor to the score, and nowhere else.",
    ),
}


def reference_page() -> str:
    """`docs/operators.md`."""
    entries = catalogue()
    lines = [
        "# Operators and their gradients",
        "",
        "Written by `python -m inspector.autodiff.catalogue`; a test holds it to the tables of rules.",
        "Opsets 18 to the newest that onnxruntime loads; files of older opsets are converted first.",
        "An operator that is not here, and that the standard gives no function body, is refused like those at the end.",
    ]
    for kind, (title, text) in _CHAPTERS.items():
        chosen = [entry for entry in entries if entry.kind == kind]
        lines += ["", f"## {title}", "", text, ""]
        if any(entry.note for entry in chosen):
            lines += ["| operator | note |", "| --- | --- |"]
            lines += [f"| {_full_name(entry)} | {_cell(entry.note)} |" for entry in chosen]
        else:
            lines += [", ".join(_full_name(entry) for entry in chosen)]
    return "\n".join(lines) + "\n"


def _full_name(entry: Entry) -> str:
    return f"`{entry.domain}.{entry.operator}`" if entry.domain else f"`{entry.operator}`"


def _cell(text: str) -> str:
    """Text that cannot break out of its table cell."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(reference_page(), end="")

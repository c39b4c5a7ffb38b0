"""What the engine knows of each operator, for the reference page and for people."""

from __future__ import annotations

from typing import NamedTuple

from inspector.autodiff.foreign import REFUSED_ELSEWHERE
from inspector.autodiff.formulas import FORMULAS
from inspector.autodiff.lowering.table import FUSED, QUANTISED
from inspector.autodiff.nondifferentiable import REFUSED, ZERO_DERIVATIVE
from inspector.autodiff.table import RULES, RuleTable

__all__ = ["CONVERTED", "EXPANDED", "PREVIEWED", "Entry", "catalogue", "reference_page"]

EXPANDED = (
    "CausalConvWithState",
    "CenterCropPad",
    "GRU",
    "GroupNormalization",
    "LSTM",
    "LinearAttention",
    "MeanVarianceNormalization",
    "NegativeLogLikelihoodLoss",
    "RMSNormalization",
    "RNN",
    "RotaryEmbedding",
    "SequenceMap",
    "SoftmaxCrossEntropyLoss",
    "SwiGLU",
)
"""Operators without a rule whose definition in the standard, a function body or a text, is known to have derivatives.
(The engine expands any operator that has a body; these are the ones that tests hold.)"""

PREVIEWED = {
    ("ai.onnx.preview", "FlexAttention"): "A preview, which onnxruntime does not load yet.",
}
"""Operators with such a body that may still change, each with a note."""


class Entry(NamedTuple):
    """One operator."""

    domain: str
    operator: str
    kind: str
    """`rule`, `expanded` (by the body in the standard), `converted` (with a file of an older opset), `fused` or
    `quantised` (replaced by standard operators), `zero` (no derivative but zero) or `refused`."""
    note: str


def catalogue(rules: RuleTable = RULES) -> list[Entry]:
    """Every operator that the engine knows, in alphabetical order."""
    entries = [Entry(*key, "rule", _first_paragraph(rule.__doc__)) for key, rule in rules.items()]
    entries += [Entry("", operator, "expanded", "") for operator in EXPANDED]
    entries += [Entry(*key, "expanded", note) for key, note in PREVIEWED.items()]
    entries += [Entry("", operator, "converted", note) for operator, note in CONVERTED.items()]
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


CONVERTED = {
    "Scatter": "replaced by ScatterElements",
    "Upsample": "replaced by Resize",
}
"""Operators of older opsets that are gone from the standard: a file that has them is converted first."""

_CHAPTERS = {
    "rule": (
        "With a rule",
        "A rule of their own; each row of the table of cases checks one against finite differences.",
    ),
    "expanded": ("By expansion", "Replaced by what the standard defines them by."),
    "converted": ("Of older opsets", "Converted, with the file, to an operator that has a rule."),
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
        "Opsets are those in which the standard changed the operator; files older than 18 are converted first, and the",
        "newest is the newest that onnxruntime loads. In the formulas x, a, b are inputs, y the result, g its",
        "cotangent and gx what comes back to x; a prime transposes.",
        "An operator that is not here, and that the standard gives no function body, is refused like those at the end.",
    ]
    versions = _versions()
    for kind, (title, text) in _CHAPTERS.items():
        chosen = [entry for entry in entries if entry.kind == kind]
        lines += ["", f"## {title}", "", text, ""]
        lines += ["| operator | domain | opsets | derivative | note |", "| --- | --- | --- | --- | --- |"]
        for entry in chosen:
            key = (entry.domain, entry.operator)
            cells = [
                f"`{entry.operator}`",
                entry.domain or "ai.onnx",
                ", ".join(map(str, versions.get(key, []))),
                _derivative(entry),
                _cell(entry.note),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _derivative(entry: Entry) -> str:
    if entry.kind == "rule":
        return _cell(FORMULAS.get((entry.domain, entry.operator), ""))
    return {
        "expanded": "of its definition",
        "converted": "of what replaces it",
        "fused": "of what it is made of",
        "quantised": "straight through",
        "zero": "0",
        "refused": "none",
    }[entry.kind]


def _versions() -> dict[tuple[str, str], list[int]]:
    """The opsets in which each operator was defined or changed."""
    import onnx.defs

    found: dict[tuple[str, str], list[int]] = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        found.setdefault((schema.domain, schema.name), []).append(schema.since_version)
    return {key: sorted(versions) for key, versions in found.items()}


def _cell(text: str) -> str:
    """Text that cannot break out of its table cell."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(reference_page(), end="")

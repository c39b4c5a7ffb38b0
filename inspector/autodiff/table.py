"""The table of rules: data, passed to the engine as an argument."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import onnx_ir as ir

from inspector.autodiff import rules
from inspector.autodiff.tape import Pullback

__all__ = ["RULES", "Pullback", "RuleTable"]


class RuleTable(Mapping[tuple[str, str], Pullback]):
    """An immutable mapping (domain, operator) -> pullback."""

    def __init__(self, table: Mapping[tuple[str, str], Pullback]) -> None:
        self._table = MappingProxyType(dict(table))

    def __getitem__(self, key: tuple[str, str]) -> Pullback:
        return self._table[key]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    # a table is the key under which what was built with it is kept
    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def lacks(self, node: ir.Node) -> bool:
        """Whether there is no rule for the operator of `node`."""
        return (node.domain, node.op_type) not in self._table

    def override(
        self, table: Mapping[tuple[str, str], Pullback] | None = None, /, **standard: Pullback
    ) -> RuleTable:
        """A new table with some rules replaced or added.

        `override(Relu=guided)` names operators of the standard domain; operators of other domains are
        given as a mapping: `override({("com.microsoft", "QuickGelu"): quick_gelu})`.
        """
        named = {("", op_type): rule for op_type, rule in standard.items()}
        return RuleTable({**self._table, **(table or {}), **named})


RULES = RuleTable(
    {
        ("", op_type): rule
        for family in (
            rules.elementwise.RULES,
            rules.activations.RULES,
            rules.linear.RULES,
            rules.convolution.RULES,
            rules.pooling.RULES,
            rules.normalization.RULES,
            rules.reduction.RULES,
            rules.movement.RULES,
            rules.indexing.RULES,
            rules.resizing.RULES,
            rules.attention.RULES,
            rules.contraction.RULES,
            rules.scattering.RULES,
            rules.spectral.RULES,
            rules.control_flow.RULES,
            rules.sequences.RULES,
            rules.sampling.RULES,
            rules.unfolding.RULES,
            rules.regions.RULES,
        )
        for op_type, rule in family.items()
    }
    | {("com.microsoft", op_type): rule for op_type, rule in rules.contributed.RULES.items()}
    | {
        ("ai.onnx.ml", op_type): rule
        for family in (rules.machine_learning.RULES, rules.support_vectors.RULES)
        for op_type, rule in family.items()
    }
)

"""The table of lowerings: data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

import onnx_ir as ir

from inspector.autodiff.lowering import fused, quantised
from inspector.autodiff.lowering.scope import Scope
from inspector.autodiff.tape import Operand

__all__ = ["FUSED", "QUANTISED", "Lowering"]

Lowering: TypeAlias = Callable[[Scope, ir.Node], Sequence[Operand] | None]
"""`lowering(scope, node)`: the results of `node` by standard operators, one per output (None: nobody reads it, or the
node computes none); None where the node is best left as it is."""

QUANTISED: Mapping[tuple[str, str], Lowering] = MappingProxyType(
    {
        key: each
        for family in (
            quantised.blocks,
            quantised.elementwise,
            quantised.fused,
            quantised.linear,
            quantised.products,
        )
        for key, each in family.LOWERINGS.items()
    }
)
"""Operators on integers by their float meaning: rounding is dropped, saturation kept."""

FUSED: Mapping[tuple[str, str], Lowering] = MappingProxyType(
    {
        key: each
        for family in (
            fused.activations,
            fused.attention,
            fused.grouped,
            fused.moves,
            fused.normalisation,
            fused.products,
            fused.rotary,
        )
        for key, each in family.LOWERINGS.items()
    }
)
"""Operators outside the standard by what they are made of: exact."""

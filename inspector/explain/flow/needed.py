"""Which elements of which tensor a score depends on: masks, walked back through the graph from the target's elements.

A class token picked from a sequence needs the patches of the last block no more, a box of one level nothing of the
others. Operators that are not known to keep positions apart need all of what they read, so a mask may be too large,
never too small.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inspector.autodiff.nondifferentiable import ZERO_DERIVATIVE
from inspector.explain.flow.masks import ALL, RULES, Mask, Use, everything

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["Need", "needed"]

DISCRETE = ("INT64", "BOOL", "STRING")


@dataclass(frozen=True)
class Need:
    """What a score depends on.

    Attributes:
        masks: the elements needed, by tensor.
        uses: (tensor read, tensor computed from it, elements needed for that), a pair each.
    """

    masks: Mapping[ir.Value, Mask]
    uses: tuple[tuple[ir.Value, ir.Value, Mask], ...]


def needed(
    nodes: list[ir.Node], shapes: Mapping[str, tuple[int, ...]], targets: Mapping[ir.Value, Mask]
) -> Need:
    """Walk back from `targets` through `nodes`, which stand in order."""
    masks: dict[ir.Value, Mask] = dict(targets)
    uses = []
    for node in reversed(nodes):
        # what has no derivative carries no evidence
        if (node.domain, node.op_type) in ZERO_DERIVATIVE:
            continue
        for number, output in enumerate(node.outputs):
            mask = masks.get(output)
            if mask is None or (isinstance(mask, np.ndarray) and not mask.any()):
                continue
            for value, part in _parts(node, number, mask, shapes):
                if isinstance(part, np.ndarray) and not part.any():
                    continue
                uses.append((value, output, part))
                masks[value] = _union(masks.get(value), part)
    return Need(masks, tuple(uses[::-1]))


def _parts(
    node: ir.Node, output: int, mask: Mask, shapes: Mapping[str, tuple[int, ...]]
) -> list[tuple[ir.Value, Mask]]:
    """What `node` needs of each tensor that it reads."""
    from inspector.surgery.lookup import reads

    use = Use(node, output, mask, shapes)
    rule = RULES.get(node.op_type, everything)
    known = rule(use)
    direct = [value for value in node.inputs if value is not None]
    parts: list[tuple[ir.Value, Mask]] = []
    for number, value in enumerate(node.inputs):
        if value is not None and not _is_discrete(value):
            parts.append((value, known.get(number, ALL)))
    # a body (If, Loop, Scan) may read any tensor outside it
    for value in reads(node):
        if value not in direct and not _is_discrete(value):
            parts.append((value, ALL))
    return parts


def _is_discrete(value: ir.Value) -> bool:
    return value.is_initializer() or (value.dtype is not None and value.dtype.name in DISCRETE)


def _union(one: Mask | None, other: Mask) -> Mask:
    if one is None:
        return _simplest(other)
    if one is ALL or other is ALL or not isinstance(one, np.ndarray) or not isinstance(other, np.ndarray):
        return ALL
    return _simplest(one | other) if one.shape == other.shape else ALL


def _simplest(mask: Mask) -> Mask:
    return ALL if isinstance(mask, np.ndarray) and mask.all() else mask

"""Inputs that take what an earlier run handed out: the states of recurrent and streaming models."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.model import Model, TensorInfo

__all__ = ["states"]


def states(model: Model, targets: Sequence[str] = ()) -> set[str]:
    """The names of inputs shaped like an output that is no target; none where there is nothing beside them.

    Args:
        model: any.
        targets: the tensors of interest.
    """
    outputs = [output for output in model.outputs if output.name not in targets]
    found = {each.name for each in model.inputs if any(_alike(each, output) for output in outputs)}
    alone = len(found) == len(model.inputs) or len(model.outputs) == 1
    return set() if alone else found


def _alike(one: TensorInfo, other: TensorInfo) -> bool:
    """Whether they may be the same, and the same number of places at least along one axis is sure."""
    if one.dtype != other.dtype or not one.shape or not other.shape or len(one.shape) != len(other.shape):
        return False
    pairs = [
        (a, b)
        for a, b in zip(one.shape, other.shape, strict=True)
        if isinstance(a, int) and isinstance(b, int)
    ]
    return all(a == b for a, b in pairs) and any(a > 1 for a, _ in pairs)

"""Outputs whose first axis is not that of the inputs: one row for each graph, residue or sentence fed at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.model import Model
from inspector.objectives.heads import Head
from inspector.objectives.objective import Objective

__all__ = ["count_rows", "score_together"]

Values = Callable[[str], NDArray[Any]]


def count_rows(
    tensors: Sequence[str], samples: int, model: Model, heads: Mapping[str, Head], values: Values
) -> int:
    """The length of the batch axis of the tensors scored: that of the batch, where they have one.

    Args:
        tensors: that a target is made of.
        samples: length of the first axis of the first input.
        model: whose tensors they are.
        heads: what its outputs mean.
        values: computes a tensor; called where the file does not tell.
    """
    if samples == 1 or model.fixed_batch is not None:
        return samples
    axes = {head.tensor: head.batch_axis for head in heads.values()}
    lead = (model.inputs[0].shape or (None,))[0]
    for name in tensors:
        axis, known = axes.get(name, 0), model.tensor(name)
        shape = None if known is None else known.shape
        if shape is not None and (len(shape) < 2 or (lead is not None and shape[axis] == lead)):
            continue
        actual = values(name).shape
        if len(actual) > 1:
            return int(actual[axis])
    return samples


def score_together(objective: Objective, values: Values) -> Objective:
    """The sum of the scores of all rows: inputs that are not cut into the same rows have one gradient of them all."""
    tensors = {name: values(name) for name in objective.tensors}
    settled = objective.settle(tensors)
    places = []
    for key, index in zip(settled.keys, settled.index, strict=True):
        shape = tensors[key.tensor].shape
        whole = np.moveaxis(np.arange(np.prod(shape)).reshape(shape), key.batch_axis, 0)
        places.append(np.take_along_axis(whole.reshape(len(index), -1), index, axis=1).reshape(1, -1))
    first, *others = settled.describe()
    text = f"{first} in the first row, and those of {len(others)} more" if others else first
    return replace(
        settled,
        keys=tuple(replace(key, batched=False) for key in settled.keys),
        index=tuple(places),
        sign=tuple(array.reshape(1, -1) for array in settled.sign),
        weight=tuple(array.reshape(1, -1) for array in settled.weight),
        description=(text,),
        own=(None,),
    )

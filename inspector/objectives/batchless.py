"""Outputs with one axis that is not that of the batch: a number for each word of a text, or for each class."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import TargetError
from inspector.objectives.heads import Head
from inspector.objectives.target import Target

__all__ = ["address_whole", "predicted_places"]


def address_whole(
    target: Target, head: Head, scores: NDArray[Any], samples: int, sliced: bool
) -> tuple[Target, str] | None:
    """`target` as one of the whole tensor, and in words; None where `scores` hold one number per sample.

    Without index and label: of a fixed number of classes the top one, else the places that are predicted.

    Args:
        target: batched.
        head: what it names.
        scores: the values of `head.tensor`.
        samples: in the batch.
        sliced: whether the file runs on fewer samples at a time.

    Raises:
        TargetError: the numbers are those of several runs.
    """
    if head.shape is None or len(head.shape) != 1 or not target.batched or scores.size == samples:
        return None
    if sliced and samples > 1:
        raise TargetError(
            f"'{head.name}' holds {scores.size} numbers for {samples} samples and has no batch axis: explain one "
            "sample at a time"
        )
    scores = scores.reshape(-1)
    whole = replace(target, output=head.name, label=None, batched=False)
    if target.index is not None:
        return replace(whole, index=target.index), str(target)
    if target.label is not None:
        return _class(target, head, whole)
    if isinstance(head.shape[0], int):
        top = int(scores.argmax())
        return replace(whole, index=top), f"{head.name}={head.label(top) or top}"
    (places,) = predicted_places(head, scores)
    return replace(whole, index=places), f"{head.name}: the {len(places)} places of the mask"


def predicted_places(head: Head, scores: NDArray[Any]) -> tuple[list[int], ...]:
    """Where the logit is above 0, or the probability above 1/2; where that is nowhere, the likeliest place."""
    is_logit = head.tensor != head.name or float(scores.min()) < 0 or float(scores.max()) > 1
    chosen = scores > (0.0 if is_logit else 0.5)
    if not chosen.any():
        chosen = scores == scores.max()
    return tuple(axis.tolist() for axis in np.nonzero(chosen))


def _class(target: Target, head: Head, whole: Target) -> tuple[Target, str]:
    if isinstance(target.label, str):
        if target.label not in head.labels and not target.label.isdigit():
            raise TargetError(
                f"'{head.name}' has no class '{target.label}': give its place, such as '{head.name}[0]'"
            )
        number = head.labels.index(target.label) if target.label in head.labels else int(target.label)
    else:
        number = int(target.label or 0)
    return replace(whole, index=number), f"{head.name}={head.label(number) or number}"

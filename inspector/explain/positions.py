"""From places of a map back to the elements of the tensor that it was read from."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from inspector.errors import LayerNotFound
from inspector.explain.relevance import Maps
from inspector.session import Array

__all__ = ["positions"]


def positions(folded: Callable[[Array], Maps], tensor: Array, name: str) -> NDArray[np.int64]:
    """(C, spatial...): where in one sample's flattened values each element of its maps lies.

    Args:
        folded: a tensor's values -> (N, C, spatial...); elements are moved and left out, never computed.
        tensor: such values.
        name: what the tensor is called, for the error.

    Raises:
        LayerNotFound: the samples do not lie along the tensor's first axis.
    """
    count, sample = len(tensor), tensor.shape[1:]
    numbers = np.arange(math.prod(sample), dtype=np.int64).reshape(1, *sample)
    rows = np.arange(count, dtype=np.int64).reshape(-1, *[1] * len(sample))
    found = folded(np.broadcast_to(rows, tensor.shape))
    if len(found) != count or (found != np.arange(count).reshape(-1, *[1] * (found.ndim - 1))).any():
        raise LayerNotFound(
            f"the samples of a batch do not lie along the first axis of '{name}': they cannot be changed singly"
        )
    return np.asarray(folded(np.broadcast_to(numbers, tensor.shape))[0], dtype=np.int64)

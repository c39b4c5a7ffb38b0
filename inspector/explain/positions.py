"""From places of a map back to the elements of the tensor that it was read from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from inspector.explain.relevance import Maps
from inspector.session import Array

__all__ = ["positions"]


def positions(folded: Callable[[Array], Maps], sample: Sequence[int]) -> NDArray[np.int64]:
    """(C, spatial...): where in one sample's flattened values each element of its maps lies.

    Args:
        folded: a tensor's values -> (N, C, spatial...); elements are moved and left out, never computed.
        sample: the tensor's shape without its first axis, the batch.
    """
    numbers = np.arange(math.prod(sample), dtype=np.int64).reshape(1, *sample)
    return np.asarray(folded(numbers)[0], dtype=np.int64)

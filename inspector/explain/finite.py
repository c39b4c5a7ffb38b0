"""Maps of numbers that a model's arithmetic can hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from inspector.errors import ModelError
from inspector.explain.relevance import Maps

__all__ = ["finite"]


def finite(formula: Callable[..., Maps], *arrays: Maps) -> Maps:
    """`formula(*arrays)`.

    Raises:
        ModelError: the result or one of the arrays is NaN or infinite.
    """
    try:
        with np.errstate(over="raise", invalid="raise"):
            maps = formula(*arrays)
    except FloatingPointError:
        maps = np.full(1, np.nan)
    if not all(np.isfinite(each).all() for each in (maps, *arrays)):
        raise ModelError("the map is not finite: the model's numbers overflow on this input")
    return maps

"""Errors of float32's size in a graph evaluated in double precision.

Runs with such errors tell what float32 rounding makes of a result (Monte Carlo arithmetic: Parker 1997, "Monte Carlo
Arithmetic: exploiting randomness in floating-point arithmetic"). Each operator's result is given a relative error of up
to a unit in the last place. A sum of many terms is further off, by sqrt(n) units of the terms' magnitudes together
(Higham & Mary 2019, "A new approach to probabilistic rounding error analysis", theorem 2.4): kernels that add the
elements of a large map one after another show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["round_like_float32"]

_EPS = float(np.finfo(np.float32).eps) / 2
_SUMS = frozenset(("GlobalAveragePool", "ReduceMean", "ReduceSum"))
"""Sums that no kernel blocks as matrix products are blocked."""


def round_like_float32(op_type: str, inputs: Sequence[Any], value: Any, random: np.random.Generator) -> Any:
    """The result of an operator with a random rounding error; integers, floating-point ones too, stay what they are.

    Args:
        op_type: of the operator.
        inputs: its inputs.
        value: its result, float64, or anything else.
        random: draws the errors, uniform.
    """
    if not isinstance(value, np.ndarray) or value.dtype != np.float64 or not _fractional(value):
        return value
    size = 2 * np.abs(value)
    if op_type in _SUMS and value.size:
        # (the sum of magnitudes, shared out evenly: which terms are whose is the operator's affair)
        terms = max(1, np.size(inputs[0]) // value.size)
        shares = float(np.abs(inputs[0]).mean()) * (1 if op_type != "ReduceSum" else terms)
        size = size + np.sqrt(terms) * shares
    rounded: NDArray[np.float64] = value + _EPS * size * random.uniform(-1, 1, value.shape)
    return rounded


def _fractional(value: NDArray[np.float64]) -> bool:
    """Whether anything is rounded: sizes, masks and counts are not."""
    return bool((value != np.rint(value)).any())

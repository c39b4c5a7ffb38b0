"""The table of cases."""

from __future__ import annotations

from . import (
    cases_contributed,
    cases_control,
    cases_elementwise,
    cases_learning,
    cases_linear,
    cases_movement,
    cases_recurrent,
    cases_reduction,
    cases_regions,
    cases_resize,
    cases_sampling,
    cases_sequences,
    cases_standard,
    cases_windows,
)
from .case import Case

CASES: tuple[Case, ...] = (
    *cases_standard.CASES,
    *cases_elementwise.CASES,
    *cases_control.CASES,
    *cases_contributed.CASES,
    *cases_learning.CASES,
    *cases_linear.CASES,
    *cases_windows.CASES,
    *cases_sampling.CASES,
    *cases_sequences.CASES,
    *cases_resize.CASES,
    *cases_regions.CASES,
    *cases_recurrent.CASES,
    *cases_reduction.CASES,
    *cases_movement.CASES,
)

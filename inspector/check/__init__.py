"""Finite-difference check of a gradient.

`GradientCheck` costs nothing to import; what makes one is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from inspector.check.verdict import GradientCheck, combine

if TYPE_CHECKING:
    from inspector.check.gradient import Problem, check_problem
    from inspector.check.reference import Float64Evaluator

__all__ = ["Float64Evaluator", "GradientCheck", "Problem", "check_problem", "combine"]

_HOME = {
    "Float64Evaluator": "inspector.check.reference",
    "Problem": "inspector.check.gradient",
    "check_problem": "inspector.check.gradient",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

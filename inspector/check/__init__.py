"""Finite-difference check of a gradient."""

from __future__ import annotations

from inspector.check.gradient import Problem, check_problem
from inspector.check.verdict import GradientCheck, combine

__all__ = ["GradientCheck", "Problem", "check_problem", "combine"]

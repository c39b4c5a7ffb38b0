"""Verdicts of the finite-difference check, as people and programs read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inspector.cli.console import warn

if TYPE_CHECKING:
    from inspector.check import GradientCheck

__all__ = ["STYLES", "figures", "mention"]

STYLES = {"passed": "green", "failed": "bold red", "inconclusive": "bold yellow", "vacuous": "bold yellow"}


def figures(check: GradientCheck) -> list[tuple[str, Any]]:
    """The rows of a verdict's table: what was found, and on what it rests."""
    return [
        ("verdict", check.verdict),
        ("largest relative error", _number(check.max_relative_error)),
        ("tolerance", _number(check.tolerance)),
        ("precision", check.precision),
        ("directions", str(check.directions)),
        ("kinks", str(check.kinks)),
        ("float32 gradient off by", _number(check.float32_error)),
        ("evaluations", str(check.evaluations)),
    ]


def mention(check: GradientCheck, what: str) -> None:
    """Warn of a verdict that is no pass, whatever --quiet says."""
    if check.verdict == "failed":
        warn(f"{what}: the gradient check FAILED: {check.message}")
    elif check.verdict != "passed":
        warn(f"{what}: the gradient check is {check.verdict}, which is not a pass: {check.message}")


def _number(value: float) -> str:
    return "not known" if value != value else f"{value:.2g}"

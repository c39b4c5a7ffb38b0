"""Verdicts of the finite-difference check, as people and programs read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inspector.cli.console import warn

if TYPE_CHECKING:
    from inspector.check import GradientCheck

__all__ = ["HEADINGS", "STYLES", "mention", "row"]

HEADINGS = (
    "verdict",
    "directions",
    "kinks",
    "noise",
    "precision",
    "largest relative error",
    "allowed",
    "float32 off by",
)
STYLES = {"passed": "green", "failed": "bold red", "inconclusive": "bold yellow", "vacuous": "bold yellow"}


def row(check: GradientCheck) -> list[Any]:
    """A verdict and what it rests on, under `HEADINGS`."""
    from rich.text import Text

    return [
        Text(check.verdict, style=STYLES[check.verdict]), str(check.directions), str(check.kinks), f"{check.noise:.0%}",
        check.precision, _number(check.max_relative_error), _number(check.tolerance), _number(check.float32_error),
    ]  # fmt: skip


def mention(check: GradientCheck, what: str) -> None:
    """Warn of a verdict that is no pass, whatever --quiet says."""
    if check.verdict == "failed":
        warn(f"{what}: the gradient check FAILED: {check.message}")
    elif check.verdict != "passed":
        warn(f"{what}: the gradient check is {check.verdict}, which is not a pass: {check.message}")


def _number(value: float) -> str:
    return "?" if value != value else f"{value:.2g}"

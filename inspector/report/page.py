"""From content to HTML: the templates' environment, and the words that they put numbers into."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any

from inspector._version import __version__

if TYPE_CHECKING:
    from inspector.check import GradientCheck

__all__ = ["check_words", "render_page", "versions"]


def check_words(check: GradientCheck) -> str:
    """The verdict's figures on one line."""
    counted = f"{check.directions} direction{'s' if check.directions != 1 else ''}"
    if check.kinks:
        counted += f", {check.kinks} at kinks"
    error = (
        f"largest relative error {check.max_relative_error:.1e} over {counted}"
        if math.isfinite(check.max_relative_error)
        else counted
    )
    words = [f"{error}, {check.precision}"]
    if check.noise:
        words.append(f"beside a kink, at {check.noise:.0%} of noise")
    if check.verdict != "passed":
        words.append(check.message)
    return "; ".join(words)


def versions() -> dict[str, str]:
    """What this page was made with."""
    found = {"onnxlens": __version__}
    for name in ("onnxruntime-gpu", "onnxruntime", "onnx", "onnx-ir", "numpy", "matplotlib", "Pillow"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # one of the two onnxruntime wheels is always absent
    return found


def render_page(template: str, content: Mapping[str, Any]) -> str:
    """The named template with everything inlined: the page needs no other file."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("inspector.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["check_words"] = check_words
    created = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return environment.get_template(template).render(version=__version__, created=created, **content)

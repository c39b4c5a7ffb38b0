"""Colour maps and scales: viridis for amounts, a diverging map for signed values, grey for what was not seen."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError

if TYPE_CHECKING:
    from matplotlib.colors import Colormap

__all__ = [
    "AMOUNT",
    "DIVERGING",
    "INK",
    "MUTED",
    "VERDICT_INK",
    "Colours",
    "colour",
    "colour_map",
    "heat_scale",
    "number",
    "unit_range",
]

AMOUNT, DIVERGING = "viridis", "RdBu_r"
Colours = Literal["perceptual", "jet"]
"""The field's two habits for heatmaps: a map whose steps look equal, or the rainbow that most papers and tools show."""
INK, MUTED, UNSEEN = "#1b1f24", "#59636e", (0.92, 0.92, 0.93, 1.0)
VERDICT_INK = {"passed": "#1a7f37", "failed": "#c4181c", "inconclusive": "#9a6700", "vacuous": "#9a6700"}


def heat_scale(signed: bool, colours: Colours = "perceptual") -> tuple[float, float, str]:
    """Lowest value, highest value and colour map of a heatmap; of signed ones the same whichever colours are wanted,
    since in a rainbow zero would be one colour among others.

    Raises:
        InputError: there are no such colours.
    """
    if colours not in get_args(Colours):
        raise InputError(f"no colours {colours!r}: choose {' or '.join(get_args(Colours))}.")
    return (-1.0, 1.0, DIVERGING) if signed else (0.0, 1.0, "jet" if colours == "jet" else AMOUNT)


def colour_map(name: str) -> Colormap:
    """The map, with values that are NaN (not seen by the model) in light grey."""
    from matplotlib import colormaps

    return colormaps[name].with_extremes(bad=UNSEEN)


def unit_range(values: NDArray[Any]) -> tuple[float, float]:
    """The smallest and the largest finite value; (0, 0) where there is none."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def colour(values: NDArray[Any], low: float, high: float, name: str = AMOUNT) -> NDArray[np.uint8]:
    """`values` between `low` and `high` as (..., 4) 8-bit colours; a constant takes the map's lowest colour."""
    span = high - low
    # float32 tells 256 colours apart, unless the values are large and their differences small
    grid = np.asarray(values, dtype=np.float32 if np.asarray(values).dtype == np.float32 else np.float64)
    unseen = ~np.isfinite(grid)
    scaled = (np.where(unseen, low, grid) - low) * (256.0 / span if span > 0 else 0.0)
    places = np.clip(scaled, 0, 255).astype(np.int16)
    places[unseen] = 256
    return _palette(name)[places]


@cache
def _palette(name: str) -> NDArray[np.uint8]:
    """The map's 256 colours, and after them the one of what was not seen."""
    steps = np.ma.masked_invalid(np.append((np.arange(256) + 0.5) / 256, np.nan))
    return np.asarray(colour_map(name)(steps, bytes=True), dtype=np.uint8)


def number(value: float) -> str:
    """Three significant digits, as short as they go."""
    return "0" if value == 0 else f"{value:.3g}".replace("-", "\N{MINUS SIGN}")

"""The sheet under every grid: tiles in rows, a label above and a scale below each, a title and a colour bar."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inspector.render.colours import INK, MUTED, colour_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Bar", "Tile", "new_figure", "tile_sheet"]

# all in inches
MARGIN, GAP, LABEL, SCALE, BAR = 0.28, 0.12, 0.19, 0.17, 0.95
FOOT = 0.165
LABEL_POINTS, SCALE_POINTS = 7.5, 6.5


@dataclass(frozen=True)
class Tile:
    """Pixels (H, W, 3 or 4) uint8, with the text above and below them; `smooth`: of a photograph, to be resampled."""

    pixels: NDArray[np.uint8]
    above: str = ""
    below: str = ""
    smooth: bool = False


@dataclass(frozen=True)
class Bar:
    """A colour bar; without numbers where each tile has a scale of its own."""

    map_name: str
    low: float = 0.0
    high: float = 1.0
    ticks: Sequence[tuple[float, str]] | None = None
    label: str = ""


def new_figure(width: float, height: float) -> Figure:
    """An empty white figure of that size in inches, on the Agg canvas."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def add_bar(figure: Figure, bar: Bar, rectangle: tuple[float, float, float, float]) -> None:
    """Draw `bar` into `rectangle` (left, bottom, width, height) in fractions of the figure."""
    axes = figure.add_axes(rectangle)
    ramp = colour_map(bar.map_name)(np.linspace(0, 1, 256))[:, None, :]
    axes.imshow(
        ramp, aspect="auto", origin="lower", extent=(0, 1, bar.low, bar.high), interpolation="bilinear"
    )
    axes.set_xticks([])
    axes.yaxis.tick_right()
    if bar.ticks is not None:
        axes.set_yticks([value for value, _ in bar.ticks], [text for _, text in bar.ticks])
    axes.tick_params(labelsize=7.5, colors=INK, length=2.5, width=0.6)
    axes.yaxis.set_label_position("right")
    axes.set_ylabel(bar.label, fontsize=7.5, color=MUTED)
    for spine in axes.spines.values():
        spine.set_linewidth(0.6)


def columns_for(count: int, pitch: float) -> int:
    """A number of columns that leaves the last row full if it can, on a sheet about 1.6 times as wide as high.

    `pitch` is how much wider than high a tile is with its labels.
    """
    ideal = math.sqrt(count * 1.6 / pitch)
    candidates = range(max(1, math.floor(ideal * 0.6)), math.ceil(ideal * 1.5) + 1)
    return min(candidates, key=lambda c: (-count % c / count + 0.5 * abs(math.log(c / ideal)), -c))


def tile_sheet(
    tiles: Sequence[Tile],
    *,
    title: str,
    subtitle: str = "",
    columns: int | None = None,
    bar: Bar | None = None,
    cell: float = 1.05,
    foot: Sequence[str] = (),
) -> Figure:
    """The sheet; `cell` is the tiles' longer side in inches, `foot` stands below it. Tiles are shown pixel by pixel,
    never smoothed, unless they say otherwise.
    """
    height, width = tiles[0].pixels.shape[:2]
    aspect = min(max(width / height, 0.2), 5.0)
    tile_width, tile_height = (cell, cell / aspect) if aspect >= 1 else (cell * aspect, cell)
    # a column is wide enough for the numbers below a narrow tile
    below = any(tile.below for tile in tiles)
    pitch_x = max(tile_width, 0.86 if below else 0.3) + GAP
    pitch_y = tile_height + LABEL + (SCALE if below else 0.02) + GAP / 2
    columns = min(columns or columns_for(len(tiles), pitch_x / pitch_y), len(tiles))
    rows = math.ceil(len(tiles) / columns)
    head = 0.62 if subtitle else 0.42
    right = BAR if bar is not None else MARGIN
    sheet_width = max(MARGIN + columns * pitch_x - GAP + right, 4.6)
    width = max(sheet_width, len(title) * 0.095 + 2 * MARGIN, len(subtitle) * 0.062 + 2 * MARGIN)
    lines = [line for text in foot for line in textwrap.wrap(text, int((width - 2 * MARGIN) / 0.067))]
    below_all = FOOT * len(lines) + (FOOT if lines else 0)
    sheet_height = head + rows * pitch_y + MARGIN / 2 + below_all
    figure = new_figure(sheet_width, sheet_height)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    for i, tile in enumerate(tiles):
        left = MARGIN + (i % columns) * pitch_x + (pitch_x - GAP - tile_width) / 2
        top = sheet_height - head - (i // columns) * pitch_y - LABEL
        _draw(axes, tile, left, top, tile_width, tile_height)
    axes.set_xlim(0, sheet_width)
    axes.set_ylim(0, sheet_height)
    axes.text(MARGIN, sheet_height - 0.16, title, fontsize=11, fontweight="bold", color=INK, va="top")
    axes.text(MARGIN, sheet_height - 0.39, subtitle, fontsize=8, color=MUTED, va="top")
    for number, line in enumerate(lines):
        axes.text(
            MARGIN, below_all + MARGIN / 2 - FOOT * (number + 0.5), line, fontsize=8, color=MUTED, va="top"
        )
    _widen_for(figure, width)
    if bar is not None:
        _side_bar(figure, bar, columns * pitch_x + MARGIN, sheet_height - head - LABEL, rows * pitch_y)
    return figure


def _draw(axes: Any, tile: Tile, left: float, top: float, width: float, height: float) -> None:
    extent = (left, left + width, top - height, top)
    axes.imshow(
        tile.pixels, extent=extent, interpolation="antialiased" if tile.smooth else "nearest", aspect="auto"
    )
    middle = left + width / 2
    axes.text(middle, top + 0.03, tile.above, fontsize=LABEL_POINTS, color=INK, ha="center", va="bottom")
    if tile.below:
        axes.text(
            middle, top - height - 0.03, tile.below, fontsize=SCALE_POINTS, color=MUTED, ha="center", va="top"
        )


def _widen_for(figure: Figure, inches: float) -> None:
    """Make room at the right for a title longer than its grid."""
    width, height = figure.get_size_inches()
    if inches <= width:
        return
    figure.set_size_inches(inches, height)
    axes = figure.axes[0]
    axes.set_xlim(0, inches)


def _side_bar(figure: Figure, bar: Bar, left: float, top: float, height: float) -> None:
    width_all, height_all = figure.get_size_inches()
    bar_height = min(height - 0.4, 2.6)
    add_bar(
        figure,
        bar,
        (left / width_all, (top - bar_height) / height_all, 0.14 / width_all, bar_height / height_all),
    )

"""A heatmap beside the photograph it explains, and laid over it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError
from inspector.render.brightness import PERCENTILE, brightened
from inspector.render.colours import DIVERGING, INK, MUTED, VERDICT_INK, Colours, colour, heat_scale
from inspector.render.tiles import Bar, add_bar, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["emptiness", "heatmap_figure", "overlay_pixels"]

# how much of the colour map lies over the photograph
OPACITY = 0.5
STRIP = 64
# what a picture in a figure needs at most; the overlay file keeps every pixel
MOST_PIXELS = 1400
# all in inches
PANEL, GAP, EDGE, BAR = 2.7, 0.18, 0.3, 0.75
SIGNAL = (6.5, 1.5)
# more positions than these have neither bars nor names of their own
MOST_BARS, MOST_NAMES = 256, 48
LINE = {11.0: 0.2, 8.0: 0.165}


def overlay_pixels(
    rgb: NDArray[np.uint8], heatmap: NDArray[Any], signed: bool = False, colours: Colours = "perceptual"
) -> NDArray[np.uint8]:
    """`heatmap` (H, W) laid over `rgb` (H, W, 3) uint8 of the same size, pixel by pixel.

    Amounts run from 0 to 1 in viridis, or with `colours="jet"` in the rainbow that other tools show, for comparison
    with theirs; signed values from -1 to 1 in a diverging map that grows opaque with magnitude. Where the heatmap is
    NaN (not seen by the model) the photograph is dimmed. Raises InputError where the sizes differ.
    """
    if rgb.shape[:2] != heatmap.shape:
        raise InputError(f"the heatmap is {heatmap.shape}, the photograph {rgb.shape[:2]}.")
    overlay = np.empty_like(rgb)
    # in strips: a photograph's worth of floating point is slow to walk through
    for start in range(0, len(rgb), STRIP):
        rows = slice(start, start + STRIP)
        overlay[rows] = _blend(rgb[rows], heatmap[rows], signed, colours)
    return overlay


def _blend(
    rgb: NDArray[np.uint8], heatmap: NDArray[Any], signed: bool, colours: Colours
) -> NDArray[np.uint8]:
    unseen = ~np.isfinite(heatmap)
    values = np.where(unseen, 0.0, heatmap).astype(np.float32)
    low, high, name = heat_scale(signed, colours)
    # a signed value's hue comes from its sign and its strength from the opacity, or zeros would be veiled in white
    hue = np.sign(values) * np.float32(0.75) if signed else values
    over = colour(hue, low, high, name)[..., :3].astype(np.float32)
    opacity = np.abs(values).clip(0, 1)[..., None] * np.float32(0.85) if signed else np.float32(OPACITY)
    photo = rgb.astype(np.float32)
    blended = photo + (over - photo) * opacity
    blended[unseen] = photo[unseen] * np.float32(0.35)
    return np.rint(blended).astype(np.uint8)


def heatmap_figure(
    rgb: NDArray[np.uint8] | None,
    heatmap: NDArray[Any],
    title: str,
    *,
    subtitle: str = "",
    method: str = "heatmap",
    signed: bool = False,
    verdict: tuple[str, str] | None = None,
    notes: Sequence[str] = (),
    names: Sequence[str] = (),
    colours: Colours = "perceptual",
) -> Figure:
    """Image, heatmap and overlay side by side with a colour bar.

    `heatmap` (H, W) covers `rgb` (H, W, 3) uint8 pixel by pixel, in [0, 1], or [-1, 1] when `signed`; NaN where the
    model did not see the photograph. Without `rgb` the heatmap stands alone. `verdict` is (word, sentence) of the
    gradient check. An all-zero map is said in the figure. Of a signal or a text, (T,), a bar stands for each position,
    with its name from `names` where these are few enough to be read. `colours` as for `overlay_pixels`. Maps of single
    pixels are brightened (`brightened`), and the colour bar says so.
    """
    heatmap = np.asarray(heatmap, dtype=np.float32)
    if heatmap.ndim == 1:
        return _signal_figure(
            heatmap, title, subtitle, method, signed, _said(heatmap, signed, verdict, notes), names
        )
    if heatmap.ndim != 2:
        raise InputError(f"a heatmap has a height and a width, not the shape {heatmap.shape}.")
    step = max(1, -(-max(heatmap.shape) // MOST_PIXELS))
    drawn, peak = brightened(heatmap)
    small = drawn[::step, ::step]
    low, high, name = heat_scale(signed, colours)
    panels = [(method, colour(small, low, high, name))]
    if rgb is not None:
        photo = rgb[::step, ::step]
        panels = [("image", photo), *panels, ("overlay", overlay_pixels(photo, small, signed, colours))]
    figure, place = _sheet(panels, _said(heatmap, signed, verdict, notes), title, subtitle)
    for i, (label, pixels) in enumerate(panels):
        axes = figure.add_axes(place(i))
        # enlarged pictures keep their pixels, reduced ones are smoothed
        axes.imshow(
            pixels, interpolation="nearest" if max(pixels.shape[:2]) < 400 else "antialiased", aspect="auto"
        )
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_title(label, fontsize=8.5, color=MUTED, pad=4)
        for spine in axes.spines.values():
            spine.set_linewidth(0.5)
            spine.set_color(MUTED)
    left, bottom, width, height = place(len(panels) - 1)
    inch = 1 / figure.get_size_inches()[0]
    ticks = [(-1.0, "−1"), (0.0, "0"), (1.0, "1")] if signed else [(0.0, "0"), (0.5, "0.5"), (1.0, "1")]
    # a label longer than its bar would leave the sheet
    short = height * figure.get_size_inches()[1] < 1.6
    of = "maximum" if peak == 1 else f"{PERCENTILE:.0f}th percentile"
    label = "" if short else f"against · for, of the {of}" if signed else f"relevance, of its {of}"
    add_bar(
        figure, Bar(name, low, high, ticks, label), (left + width + 0.14 * inch, bottom, 0.14 * inch, height)
    )
    return figure


def _signal_figure(
    relevance: NDArray[np.float32],
    title: str,
    subtitle: str,
    method: str,
    signed: bool,
    foot: Sequence[Line],
    names: Sequence[str],
) -> Figure:
    strip = np.zeros((1, relevance.size, 3), dtype=np.uint8)
    figure, place = _sheet([(method, strip)], foot, title, subtitle)
    left, bottom, width, height = place(0)
    # room for the scale at the left and the positions below
    axes = figure.add_axes((left + 0.05, bottom + 0.2 * height, width + 0.05, 0.8 * height))
    places = np.arange(relevance.size)
    if relevance.size <= MOST_BARS:
        ink = colour(np.sign(relevance) * 0.75, -1.0, 1.0, DIVERGING) / 255 if signed else "#31688e"
        axes.bar(places, relevance, width=0.8, color=ink)
    else:
        axes.fill_between(places, relevance, step="mid", color="#31688e", linewidth=0)
    axes.axhline(0.0, color=MUTED, linewidth=0.6)
    axes.set_xlim(-0.5, max(relevance.size - 0.5, 0.5))
    axes.set_ylim(-1.02 if signed else 0.0, 1.02)
    if names and len(names) == relevance.size <= MOST_NAMES:
        axes.set_xticks(places, names, rotation=90 if max(map(len, names)) > 2 else 0)
    axes.set_ylabel("against · for" if signed else "relevance", fontsize=7.5, color=MUTED)
    axes.set_title(method, fontsize=8.5, color=MUTED, pad=4)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=6.5, colors=INK, length=2)
    return figure


@dataclass(frozen=True)
class Line:
    """Text below the panels."""

    text: str
    ink: str = MUTED
    bold: bool = False


def _said(
    heatmap: NDArray[Any], signed: bool, verdict: tuple[str, str] | None, notes: Sequence[str]
) -> list[Line]:
    """What stands below the panels, most important first."""
    lines = [Line(note) for note in notes]
    if verdict is not None:
        word, sentence = verdict
        lines.insert(0, Line(f"gradient check: {sentence}", VERDICT_INK.get(word, MUTED), word != "passed"))
    empty = emptiness(heatmap, signed)
    if empty:
        lines.insert(0, Line(empty, VERDICT_INK["failed"], bold=True))
    return lines


# of maps in [-1, 1]: what rounding leaves of equal values
EVEN = 1e-5


def emptiness(heatmap: NDArray[Any], signed: bool) -> str:
    """What must be said of a map in [-1, 1] that shows nothing for the target, or no place; nothing of others."""
    seen = np.nan_to_num(heatmap)
    if not seen.any():
        return "The map is zero everywhere: nothing here speaks for the target."
    known = heatmap[np.isfinite(heatmap)]
    if signed and np.ptp(known) <= EVEN:
        return "The map is the same everywhere: it prefers no place."
    if signed and seen.max() <= 0:
        return "The map is nowhere positive: all that is shown speaks against the target."
    return ""


def _sheet(
    panels: Sequence[tuple[str, NDArray[Any]]], foot: Sequence[Line], title: str, subtitle: str
) -> tuple[Figure, Any]:
    """The figure with its texts, and where the i-th panel goes (in fractions)."""
    rows, columns = panels[0][1].shape[:2]
    aspect = min(max(columns / rows, 0.3), 6.0)
    wide = PANEL if aspect >= 1 else PANEL * max(aspect, 0.55)
    high = wide / aspect
    if rows == 1:
        wide, high = SIGNAL
    width = 2 * EDGE + len(panels) * wide + (len(panels) - 1) * GAP + BAR
    width = max(width, 7.0 if len(panels) > 1 else 4.2)

    def wrap(text: str, character: float) -> list[str]:
        """Lines that fit beside each other's edges, for letters of that many inches."""
        return textwrap.wrap(text, int((width - 2 * EDGE) / character))

    head = [(line, 11.0, INK, True) for line in wrap(title, 0.098)]
    head += [(line, 8.0, MUTED, False) for line in wrap(subtitle, 0.064)]
    below = [
        (text, 8.0, line.ink, line.bold)
        for line in foot
        for text in wrap(line.text, 0.071 if line.bold else 0.064)
    ]
    top = 0.46 + _height(head)
    height = top + high + 0.24 + _height(below)
    figure = new_figure(width, height)
    _write(figure, head, height - 0.16)
    _write(figure, below, height - top - high - 0.13)

    def place(i: int) -> tuple[float, float, float, float]:
        left = EDGE + i * (wide + GAP)
        return left / width, (height - top - high) / height, wide / width, high / height

    return figure, place


def _height(lines: Sequence[tuple[str, float, str, bool]]) -> float:
    return sum(LINE[points] for _, points, _, _ in lines)


def _write(figure: Figure, lines: Sequence[tuple[str, float, str, bool]], top: float) -> None:
    """Lines below each other from `top` inches."""
    width, height = figure.get_size_inches()
    for text, points, ink, bold in lines:
        weight = "bold" if bold else "normal"
        figure.text(EDGE / width, top / height, text, fontsize=points, color=ink, fontweight=weight, va="top")
        top -= LINE[points]

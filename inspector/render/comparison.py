"""What several methods find in one picture, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError
from inspector.render.brightness import PERCENTILE, brightened
from inspector.render.colours import Colours, colour, heat_scale
from inspector.render.heatmaps import emptiness, overlay_pixels
from inspector.render.tiles import Tile, tile_sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Compared", "comparison_sheet"]

# of a tile's longer side: what an eye can tell apart in it, and inches
MOST_PIXELS, CELL = 420, 1.75
STRIP_ROWS = 8


@dataclass(frozen=True)
class Compared:
    """One heatmap of a sheet.

    Attributes:
        name: of the method.
        heatmap: (H, W), over the picture; of a signal (T,).
        signed: whether it runs over [-1, 1].
        below: a few words under it.
    """

    name: str
    heatmap: NDArray[Any]
    signed: bool = False
    below: str = ""


def comparison_sheet(
    rgb: NDArray[np.uint8] | None,
    compared: Sequence[Compared],
    title: str,
    *,
    subtitle: str = "",
    foot: Sequence[str] = (),
    colours: Colours = "perceptual",
) -> Figure:
    """The picture and a tile per heatmap, laid over it: each with its name above, and what is said of it below.

    Args:
        rgb: (H, W, 3) uint8; None: heatmaps stand alone.
        compared: heatmaps of the picture's own size, in [0, 1] or [-1, 1].
        title, subtitle: above the sheet.
        foot: lines below it: which methods do not work here, and why.
        colours: see `overlay_pixels`.

    Raises:
        InputError: there is nothing to compare.
    """
    if not compared:
        raise InputError("there is no heatmap to draw.")
    tiles = [] if rgb is None else [Tile(_reduced(rgb), "image", smooth=True)]
    for each in compared:
        # an empty map is said in its place, in a few words: a blank tile tells nothing
        said = emptiness(each.heatmap, each.signed)
        below = said.partition(":")[0].removeprefix("The map is ") or each.below
        tiles.append(Tile(_pixels(rgb, each, colours), each.name + " ±" * each.signed, below, smooth=True))
    scale = f"{heat_scale(False, colours)[2]} from 0 to each map's maximum"
    if any(each.signed for each in compared):
        scale += "; ± red for, blue against"
    if any(brightened(each.heatmap)[1] != 1 for each in compared):
        scale += f"; maps of single pixels to their {PERCENTILE:.0f}th percentile"
    return tile_sheet(
        tiles,
        title=title,
        subtitle=" · ".join(part for part in (subtitle, scale) if part),
        cell=CELL,
        foot=foot,
    )


def _pixels(rgb: NDArray[np.uint8] | None, each: Compared, colours: Colours) -> NDArray[np.uint8]:
    heatmap, _ = brightened(each.heatmap)
    if heatmap.ndim == 1:
        heatmap = np.repeat(heatmap[None], max(1, heatmap.size // STRIP_ROWS), axis=0)
    heatmap = _reduced(heatmap)
    if rgb is not None:
        # in tiles this small two colours are only seen on what has none
        under = _faded(_reduced(rgb)) if each.signed else _reduced(rgb)
        return overlay_pixels(under, heatmap, each.signed, colours)
    low, high, name = heat_scale(each.signed, colours)
    return colour(heatmap, low, high, name)


def _faded(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """In light grey: half as far from white as it is bright (ITU-R BT.601)."""
    grey = rgb[..., :3].astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    light = np.rint(255 - (255 - grey) / 2).astype(np.uint8)
    return np.repeat(light[..., None], 3, axis=2)


def _reduced(array: NDArray[Any]) -> NDArray[Any]:
    """Every second, third, ... pixel of a large one."""
    step = max(1, -(-max(array.shape[:2]) // MOST_PIXELS))
    return np.ascontiguousarray(array[::step, ::step])

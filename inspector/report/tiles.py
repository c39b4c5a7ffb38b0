"""Pictures for the page, made with Pillow alone: numbered grids of channels, heatmaps, overlays.

Everything stays as small as it is: a feature map of 22 x 22 becomes a tile of 66 x 66 in a picture of 256 colours, and
a heatmap of 28 x 28 is embedded as 28 x 28 pixels that the page enlarges.
"""

from __future__ import annotations

import base64
import functools
import io
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

__all__ = ["Figure", "channel_grid", "heat_picture", "photograph", "picture_grid"]

Array = NDArray[Any]

LEVELS = 254  # colours of the map; the two left are the transparent gap and the numbers
GAP, INK = 254, 255
TILE = 64  # wanted side of a tile in pixels
NUMBER_HEIGHT = 11
MARGIN = 3


@dataclass(frozen=True)
class Figure:
    """An embedded picture: a ``data:`` address, its size in pixels, and what it shows in words."""

    uri: str
    width: int
    height: int
    alt: str


@functools.cache
def _palette() -> bytes:
    import matplotlib

    colours = matplotlib.colormaps["viridis"](np.linspace(0, 1, LEVELS))[:, :3]
    table = np.zeros((256, 3), np.uint8)
    table[:LEVELS] = np.rint(255 * colours)
    table[INK] = 128  # legible on white and on black
    return table.tobytes()


def channel_grid(maps: Array, alt: str, scale: Literal["channel", "shared"], columns: int = 8) -> Figure:
    """(C, H, W) feature maps as a numbered grid in viridis.

    ``channel`` gives every map its own scale (a constant one is darkest), ``shared`` one to all.
    """
    maps = np.asarray(maps, np.float64)
    axes = (-2, -1) if scale == "channel" else None
    low, high = maps.min(axis=axes, keepdims=True), maps.max(axis=axes, keepdims=True)
    span = high - low
    # what varies by rounding alone would otherwise be blown up into a picture
    visible = span > 1e-6 * np.abs(maps).max(axis=axes, keepdims=True)
    unit = np.divide(maps - low, span, out=np.zeros_like(maps), where=visible)
    levels = np.rint(unit * (LEVELS - 1)).astype(np.uint8)
    levels = np.stack([_fitted(level) for level in levels])
    canvas = _tiled(levels, columns, np.uint8(GAP))
    picture = Image.fromarray(canvas)
    picture.putpalette(_palette())
    _write_numbers(picture, len(levels), levels.shape[1:], columns, INK)
    return _png(picture, alt, transparency=GAP)


def picture_grid(pictures: Array, alt: str, columns: int = 5, *, centred: bool = False) -> Figure:
    """(n, C, H, W) pictures with 1 or 3 channels as a numbered grid in their own colours, each scaled to its range.

    ``centred`` makes 0 mid-grey and scales to the largest magnitude: for kernels. Other channel counts are shown by
    their mean over the channels.
    """
    pictures = np.asarray(pictures, np.float64)
    if pictures.shape[1] not in (1, 3):
        pictures = pictures.mean(axis=1, keepdims=True)
    low, high = (extreme(pictures, axis=(1, 2, 3), keepdims=True) for extreme in (np.min, np.max))
    if centred:
        high = np.maximum(np.abs(low), np.abs(high))
        low = -high
    span = np.where(high > low, high - low, 1.0)
    pixels = np.rint(255 * (pictures - low) / span).astype(np.uint8)
    fitted = np.stack([np.stack([_fitted(channel) for channel in picture], axis=-1) for picture in pixels])
    canvas = np.stack(
        [_tiled(fitted[..., index], columns, np.uint8(0)) for index in range(fitted.shape[-1])], axis=-1
    )
    opaque = _tiled(np.full(fitted.shape[:3], 255, np.uint8), columns, np.uint8(0))
    colours = np.concatenate([np.repeat(canvas, 3 // canvas.shape[-1], axis=-1), opaque[..., None]], axis=-1)
    picture = Image.fromarray(colours)
    _write_numbers(picture, len(pictures), fitted.shape[1:3], columns, (128, 128, 128, 255))
    return _webp(picture, alt)


def photograph(rgb: Array, alt: str, longest: int = 360) -> Figure:
    """(H, W, 3) uint8 as it is; larger ones reduced to ``longest`` pixels."""
    picture = Image.fromarray(np.asarray(rgb, np.uint8))
    if max(picture.size) > longest:
        picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
        return _webp(picture, alt, quality=82)
    return _webp(picture, alt)


def heat_picture(heat: Array, alt: str, longest: int = 360) -> Figure:
    """(H, W) heat in [0, 1] in viridis."""
    picture = Image.fromarray(np.rint(np.clip(heat, 0, 1) * (LEVELS - 1)).astype(np.uint8))
    if max(picture.size) > longest:
        grey = Image.fromarray(np.asarray(picture))
        grey.thumbnail((longest, longest), Image.Resampling.BILINEAR)
        picture = Image.fromarray(np.asarray(grey))
    picture.putpalette(_palette())
    return _png(picture, alt)


def _fitted(channel: Array) -> Array:
    """Pixels repeated up to about the side of a tile; larger ones reduced, keeping the proportions."""
    height, width = channel.shape
    factor = max(1, round(TILE / max(height, width)))
    if max(height, width) <= 1.5 * TILE:
        return np.asarray(np.kron(channel, np.ones((factor, factor), np.uint8)))
    ratio = 1.5 * TILE / max(height, width)
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    return np.asarray(Image.fromarray(channel).resize(size, Image.Resampling.BOX))


def _tiled(tiles: Array, columns: int, gap: np.uint8) -> Array:
    """(n, h, w) side by side in rows of ``columns``, with room for a number above each."""
    count, height, width = tiles.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    step_y, step_x = height + NUMBER_HEIGHT + MARGIN, width + MARGIN
    canvas = np.full((rows * step_y - MARGIN, columns * step_x - MARGIN), gap, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = (index // columns) * step_y + NUMBER_HEIGHT, (index % columns) * step_x
        canvas[top : top + height, left : left + width] = tile
    return canvas


def _write_numbers(picture: Image.Image, count: int, size: tuple[int, ...], columns: int, ink: Any) -> None:
    draw = ImageDraw.Draw(picture)
    draw.fontmode = "1"  # no half-tones: they would need colours of their own
    font = ImageFont.load_default(10)
    columns = min(columns, count)
    for index in range(count):
        left = (index % columns) * (size[1] + MARGIN)
        top = (index // columns) * (size[0] + NUMBER_HEIGHT + MARGIN)
        draw.text((left, top - 1), str(index), fill=ink, font=font)


def _png(picture: Image.Image, alt: str, **options: Any) -> Figure:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True, **options)
    return _figure(buffer, "image/png", picture, alt)


def _webp(picture: Image.Image, alt: str, quality: int | None = None) -> Figure:
    buffer = io.BytesIO()
    if quality is None:
        picture.save(buffer, "WEBP", lossless=True, quality=60, method=4)
    else:
        picture.save(buffer, "WEBP", quality=quality, method=4)
    return _figure(buffer, "image/webp", picture, alt)


def _figure(buffer: io.BytesIO, kind: str, picture: Image.Image, alt: str) -> Figure:
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Figure(f"data:{kind};base64,{data}", picture.width, picture.height, alt)

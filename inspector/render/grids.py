"""Grids: every channel of a layer, the kernels of a convolution, images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError
from inspector.render.colours import AMOUNT, DIVERGING, INK, MUTED, colour, number, unit_range
from inspector.render.tiles import Bar, Tile, new_figure, tile_sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["MOST_CHANNELS", "activation_figure", "activation_grid", "image_grid", "kernel_grid", "stretched"]

# more tiles than this are neither readable nor quick to draw
MOST_CHANNELS = 256
SCALES = {"channel": "each channel on its own scale", "shared": "one scale for all channels"}


def activation_figure(array: NDArray[Any], title: str, scale: str = "channel") -> Figure:
    """Whatever a layer computed for one sample: maps (C, H, W) as a grid, (C, D, H, W) by their middle slice,
    (T, F) as one map, (F,) as bars, a number as its value.
    """
    array = np.asarray(array)
    if array.ndim == 3:
        return activation_grid(array, title, scale)
    if array.ndim == 4:
        middle = array.shape[1] // 2
        return activation_grid(array[:, middle], f"{title} · slice {middle} of {array.shape[1]}", scale)
    if array.ndim == 2:
        return _matrix(array, title)
    return _vector(array.reshape(-1), title)


def activation_grid(array: NDArray[Any], title: str, scale: str = "channel", first: int = 0) -> Figure:
    """A tile per channel of `array` (C, H, W) in viridis, labelled with its number (from `first`) and its scale.

    `scale` is "channel" (each between its own minimum and maximum, which stand below it) or "shared" (one colour bar).
    At most 256 channels are shown; the title says where there are more. Raises InputError for another shape or scale.
    """
    if scale not in SCALES:
        raise InputError(f"no scale {scale!r}: choose {' or '.join(SCALES)}.")
    if array.ndim != 3 or array.size == 0:
        raise InputError(f"a grid of channels takes (channels, height, width), not {array.shape}.")
    count, height, width = array.shape
    shown = array[:MOST_CHANNELS].astype(np.float64)
    low, high = unit_range(shown)
    tiles = []
    for i, channel in enumerate(shown):
        own_low, own_high = unit_range(channel)
        if scale == "channel":
            tiles.append(
                Tile(colour(channel, own_low, own_high), str(first + i), _scale_text(own_low, own_high))
            )
        else:
            tiles.append(Tile(colour(channel, low, high), str(first + i)))
    of = f"{count} channels" if count <= MOST_CHANNELS else f"the first {MOST_CHANNELS} of {count} channels"
    subtitle = f"{of} of {height} × {width} · {SCALES[scale]}"
    if low == high == 0:
        subtitle += " · every value is 0"
    return tile_sheet(tiles, title=title, subtitle=subtitle, bar=_bar(scale, low, high))


def _scale_text(low: float, high: float) -> str:
    return f"all {number(low)}" if low == high else f"{number(low)} … {number(high)}"


def _bar(scale: str, low: float, high: float) -> Bar:
    if scale == "shared" and high > low:
        return Bar(AMOUNT, low, high)
    return Bar(AMOUNT, ticks=((0.0, "min"), (1.0, "max")))


def kernel_grid(
    kernels: NDArray[Any], title: str, channels: Sequence[int] | None = None, columns: int | None = None
) -> Figure:
    """A tile per kernel of `kernels` (out, in, kh, kw); also (out, in, k) and (out, in, kd, kh, kw).

    One or three input channels are shown in grey or colour, where mid-grey is 0; more are averaged and shown in a
    diverging map, where white is 0. Each kernel is scaled to its largest magnitude, which stands below it.
    """
    array = np.asarray(kernels, dtype=np.float64)
    if array.ndim == 3:
        array = array[:, None]  # a 1-D kernel as a strip: its input channels down, its taps across
    elif array.ndim == 5:
        array = array.mean(axis=2)
    if array.ndim != 4 or array.size == 0:
        raise InputError(f"kernels have the shape (out, in, height, width), not {np.shape(kernels)}.")
    chosen = list(range(len(array))) if channels is None else list(channels)
    tiles = [Tile(*_kernel(array[i]), str(i)) for i in chosen[:MOST_CHANNELS]]
    tiles = [Tile(tile.pixels, tile.below, tile.above) for tile in tiles]
    inputs, height, width = array.shape[1:]
    how = {1: "one input channel, mid-grey is 0", 3: "as colours, mid-grey is 0"}.get(
        inputs, f"mean of {inputs} input channels, white is 0"
    )
    subtitle = f"{len(tiles)} of {len(array)} kernels, {height} × {width} · {how} · ± largest magnitude below"
    bar = None if inputs in (1, 3) else Bar(DIVERGING, ticks=((0.0, "−"), (0.5, "0"), (1.0, "+")))
    return tile_sheet(tiles, title=title, subtitle=subtitle, columns=columns or _square(len(tiles)), bar=bar)


def _square(count: int) -> int | None:
    """Five columns for the 25 filters of habit; otherwise the sheet decides."""
    return 5 if count == 25 else None


def _kernel(kernel: NDArray[np.float64]) -> tuple[NDArray[np.uint8], str]:
    """Pixels and scale of one kernel (in, kh, kw)."""
    shown = kernel if kernel.shape[0] in (1, 3) else kernel.mean(axis=0, keepdims=True)
    reach = max(map(abs, unit_range(shown)))
    text = f"±{number(reach)}" if reach else "all 0" if np.isfinite(shown).all() else "NaN"
    if kernel.shape[0] not in (1, 3):
        return colour(shown[0], -reach, reach, DIVERGING), text
    finite = np.where(np.isfinite(shown), shown, 0)
    grey = np.rint((finite / reach if reach else finite) * 127.5 + 127.5).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(grey.transpose(1, 2, 0), (*kernel.shape[1:], 3))), text


def image_grid(
    images: Sequence[NDArray[np.uint8]],
    labels: Sequence[str],
    title: str,
    subtitle: str = "",
    below: Sequence[str] | None = None,
    columns: int | None = None,
) -> Figure:
    """A tile per 8-bit image (H, W, 3), with its label; 25 of them stand in a 5 × 5 grid."""
    if not len(images):
        raise InputError("there is no image to draw.")
    under = below if below is not None else [""] * len(images)
    tiles = [Tile(pixels, label, text) for pixels, label, text in zip(images, labels, under, strict=True)]
    return tile_sheet(tiles, title=title, subtitle=subtitle, columns=columns or _square(len(tiles)), cell=1.3)


def stretched(values: NDArray[Any]) -> NDArray[np.uint8]:
    """`values` (C, H, W), any range, as an 8-bit RGB image stretched from its 0.5th to its 99.5th percentile.

    One channel becomes grey; of more than three their mean is shown. A signal (C, T) becomes a strip with a row for
    each channel, a volume (C, D, H, W) its middle slice.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 2:
        array = array[None]
    elif array.ndim == 4:
        array = array[:, array.shape[1] // 2]
    array = array if array.shape[0] in (1, 3) else array.mean(axis=0, keepdims=True)
    low, high = np.percentile(array, (0.5, 99.5))
    scaled = np.clip((array - low) / (high - low), 0, 1) if high > low else np.full(array.shape, 0.5)
    pixels = np.rint(scaled * 255).astype(np.uint8).transpose(1, 2, 0)
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def _matrix(array: NDArray[Any], title: str) -> Figure:
    low, high = unit_range(array)
    figure = new_figure(8.0, 5.0)
    axes = figure.add_axes((0.09, 0.12, 0.78, 0.72))
    shown = axes.imshow(array, cmap=AMOUNT, aspect="auto", interpolation="nearest")
    bar = figure.colorbar(shown, ax=axes, fraction=0.04, pad=0.02)
    bar.ax.tick_params(labelsize=8)
    _head(figure, title, f"{array.shape[0]} × {array.shape[1]} · {_scale_text(low, high)}")
    axes.tick_params(labelsize=8, colors=INK)
    return figure


def _vector(array: NDArray[Any], title: str) -> Figure:
    low, high = unit_range(array)
    figure = new_figure(8.0, 3.6)
    axes = figure.add_axes((0.09, 0.14, 0.88, 0.64))
    axes.fill_between(
        np.arange(array.size), array.astype(np.float64), step="mid", color="#31688e", linewidth=0
    )
    axes.axhline(0.0, color=MUTED, linewidth=0.6)
    axes.set_xlim(-0.5, max(array.size - 0.5, 0.5))
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8, colors=INK)
    axes.set_xlabel("unit", fontsize=8, color=MUTED)
    _head(figure, title, f"{array.size} units · {_scale_text(low, high)}")
    return figure


def _head(figure: Figure, title: str, subtitle: str) -> None:
    height = figure.get_size_inches()[1]
    figure.text(0.035, 1 - 0.16 / height, title, fontsize=11, fontweight="bold", color=INK, va="top")
    figure.text(0.035, 1 - 0.39 / height, subtitle, fontsize=8, color=MUTED, va="top")

"""Pictures that `filters --mode maximize` makes: a grid, and the ascent as an animation."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from inspector.cli.console import progress_bar
from inspector.cli.filters import channel_count, chosen_filters
from inspector.explain.options import require_options
from inspector.features import maximize
from inspector.images import Preprocessing, picture_input, preprocessing_for
from inspector.images.layout import picture_layout
from inspector.model import InputSpec, Layer
from inspector.render import image_grid, save_animation, save_figure, slug, stretched, tiled_pixels

if TYPE_CHECKING:
    from inspector.lens import Inspector

__all__ = ["Made", "draw_made"]

STEPS = {"pixels": 30, "fourier": 128}
# of an animation: more frames are large files and nothing more to see
FRAMES = 60
# what has an option of its own, or is no number
ELSEWHERE = {"parametrisation", "neuron", "direction", "recipe", "size", "start", "watch", "progress"}
SETTINGS = {
    each.name: each.default
    for each in inspect.signature(maximize).parameters.values()
    if each.kind is each.KEYWORD_ONLY and each.name not in ELSEWHERE
}


@dataclass(frozen=True)
class Made:
    """What is asked for, as the options of the command are called."""

    which: str | None
    each: int
    parametrisation: str
    steps: int | None
    seed: int
    neuron: str | Sequence[int] | None
    direction: NDArray[np.floating] | None
    gif: bool


def draw_made(
    lens: Inspector,
    layer: Layer,
    made: Made,
    settings: Mapping[str, Any],
    out: Path,
    quiet: bool,
    picture: Mapping[str, Any],
) -> tuple[list[dict[str, Any]], list[str]]:
    """Write the grid, and the animation where it is asked for; a record of each picture, and notes."""
    require_options("the ascent", settings, SETTINGS)
    how = _preprocessing(lens, picture)
    channels, captions = _goals(lens, layer, made)
    steps = made.steps or STEPS[made.parametrisation]
    frames: list[NDArray[np.uint8]] = []
    every = max(1, -(-steps // FRAMES))

    def watch(done: int, images: NDArray[np.float32]) -> None:
        if done % every == 0 or done == steps:
            frames.append(tiled_pixels(_pixels(images, how, made)))

    with progress_bar("gradient ascent", quiet) as advance:
        images = lens.maximize(
            layer, channels, steps, made.seed, parametrisation=made.parametrisation, neuron=made.neuron,
            direction=made.direction, recipe=_recipe(how, picture), size=picture["size"],
            watch=watch if made.gif else None, progress=lambda done, total: advance(done, total, ""), **settings,
        )  # fmt: skip
    place = out / f"layer-{layer.index}-{slug(layer.name)}_maximize.png"
    title = f"layer {layer.index} {layer.name} ({layer.label}): what excites each most"
    figure = image_grid(
        _pixels(images, how, made), captions, title, _subtitle(layer, made, steps, len(captions))
    )
    files = [save_figure(figure, place)]
    if made.gif:
        files.append(save_animation(frames, place.with_suffix(".gif")))
    records = [
        {
            "layer": layer.name,
            "mode": "maximize",
            "filter": None if channels is None else channels[number],
            "caption": caption,
            "parametrisation": made.parametrisation,
            "steps": steps,
            "seed": made.seed,
            "files": files,
        }
        for number, caption in enumerate(captions)
    ]
    said = how is not None and made.parametrisation == "fourier"
    return records, [
        message for message in (how.notes if how is not None else ()) if said and "scaled" in message
    ]


def _goals(lens: Inspector, layer: Layer, made: Made) -> tuple[list[int] | None, list[str]]:
    """The channels, each as often as pictures of it are wanted, and the pictures' captions."""
    if made.direction is not None:
        if made.which is not None:
            raise click.UsageError("--direction stands in place of --filters: give one or the other.")
        return None, [f"direction {number}" for number in range(len(np.atleast_2d(made.direction)))]
    chosen = chosen_filters(layer, made.which)
    names = lens.labels.get(layer.name, ())
    captions = [names[channel] if channel < len(names) else str(channel) for channel in chosen]
    return [channel for channel in chosen for _ in range(made.each)], [
        each for each in captions for _ in range(made.each)
    ]


def _subtitle(layer: Layer, made: Made, steps: int, count: int) -> str:
    what = "directions" if made.direction is not None else "classes" if layer.layout is None else "filters"
    of = (
        f"{count} {what}"
        if made.direction is not None or made.each > 1
        else f"{count} of {channel_count(layer)} {what}"
    )
    shown = (
        " · each stretched to its range"
        if made.parametrisation == "pixels"
        else ", waves as in natural pictures"
    )
    return f"{of} · {steps} steps of ascent from grey, seed {made.seed}{shown}"


def _preprocessing(lens: Inspector, picture: Mapping[str, Any]) -> Preprocessing | None:
    """How pictures become the model's input; None for an input that takes none."""
    main = picture_input(lens.inputs)
    stated = lens.metadata.input.layout if lens.metadata.input else None
    return (
        None
        if picture_layout(main.shape, stated) is None
        else preprocessing_for(main, lens.metadata, **picture)
    )


def _recipe(how: Preprocessing | None, picture: Mapping[str, Any]) -> InputSpec | None:
    """The same in the words of the metadata, where options overrule these."""
    if how is None or not any(picture[name] for name in ("preset", "mean", "std", "bgr")):
        return None
    scaling = how.scaling
    return InputSpec(
        how.layout, (scaling.low, scaling.high), scaling.mean, scaling.std, how.channels, how.size
    )


def _pixels(images: NDArray[np.float32], how: Preprocessing | None, made: Made) -> list[NDArray[np.uint8]]:
    """8-bit pictures: true colours where values keep to the input's range, else each stretched to its own."""
    true = how is not None and made.parametrisation == "fourier" and images.ndim == 4
    shown = [
        how.picture_of(_in_layout(image, how.layout)) if true and how is not None else None
        for image in images
    ]
    return [
        stretched(image) if pixels is None else pixels for image, pixels in zip(images, shown, strict=True)
    ]


def _in_layout(image: NDArray[np.float32], layout: str) -> NDArray[np.float32]:
    return image if layout.endswith("CHW") else image.transpose(1, 2, 0)

"""Crops that `filters --mode top` finds in folders of pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inspector.cli.console import note, progress_bar
from inspector.cli.filters import chosen_filters
from inspector.images import Picture, load_pictures
from inspector.images.files import expand
from inspector.render import image_grid, save_figure, slug, stretched

if TYPE_CHECKING:
    from inspector.features import Crop
    from inspector.lens import Inspector
    from inspector.model import Layer

__all__ = ["draw_found"]

# filters of a sheet, each with as many crops
FILTERS = 9
# characters of a picture's name above its crop
LONGEST = 14


def draw_found(
    lens: Inspector,
    layer: Layer,
    which: str | None,
    each: int,
    folders: Sequence[Path],
    out: Path,
    quiet: bool,
    picture: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Write the sheet, a row for each filter; a record of each filter with its crops."""
    channels = chosen_filters(layer, which, FILTERS)
    seen: list[Picture] = []
    with progress_bar("looking", quiet) as advance:

        def pictures() -> Iterator[NDArray[Any]]:
            files = expand(folders)
            for done, path in enumerate(files):
                advance(done, len(files), "")
                for one in load_pictures([path], lens.inputs, lens.metadata, **picture):
                    # the photograph itself may be large, and all of them are not needed at once
                    seen.append(
                        Picture(
                            one.name, one.path, {}, one.input_name, None, None, one.preprocessing, one.notes
                        )
                    )
                    yield one.tensor

        found = lens.top_crops(layer, channels, pictures(), each)
    for message in dict.fromkeys(message for one in seen for message in one.notes):
        note(message, quiet)
    names = lens.labels.get(layer.name, ())
    titles = [names[channel] if channel < len(names) else str(channel) for channel in channels]
    crops = [crop for row in found for crop in row]
    pixels = _same_size([_shown(crop, seen[crop.image]) for crop in crops])
    above = [
        f"{title} · {_short(seen[crop.image].name)}"
        for title, row in zip(titles, found, strict=True)
        for crop in row
    ]
    place = out / f"layer-{layer.index}-{slug(layer.name)}_top.png"
    title = f"layer {layer.index} {layer.name} ({layer.label}): what excites each most"
    subtitle = f"the strongest of {len(seen)} pictures, strongest first · the value below"
    below = [f"{crop.score:.4g}" for crop in crops]
    figure = image_grid(pixels, above, title, subtitle, below, columns=len(found[0]))
    files = [save_figure(figure, place)]
    return [
        {
            "layer": layer.name,
            "mode": "top",
            "filter": channel,
            "caption": title,
            "crops": [_record(crop, seen[crop.image]) for crop in row],
            "files": files,
        }
        for channel, title, row in zip(channels, titles, found, strict=True)
    ]


def _record(crop: Crop, picture: Picture) -> dict[str, Any]:
    return {
        "image": picture.name,
        "path": picture.path,
        "score": crop.score,
        "place": list(crop.place),
        "box": [list(ends) for ends in crop.box],
    }


def _shown(crop: Crop, picture: Picture) -> NDArray[np.uint8]:
    """The crop in its true colours; of an input that takes no pictures stretched to its range."""
    how = picture.preprocessing
    if how is not None and crop.pixels.ndim == 3:
        sample = crop.pixels if how.layout.endswith("CHW") else crop.pixels.transpose(1, 2, 0)
        found = how.picture_of(sample)
        if found is not None:
            return found
    return stretched(crop.pixels)


def _same_size(images: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """What a border cut short, in the middle of white of the largest one's size."""
    height, width = (max(image.shape[axis] for image in images) for axis in (0, 1))
    padded = []
    for image in images:
        top, left = (height - image.shape[0]) // 2, (width - image.shape[1]) // 2
        sheet = np.full((height, width, 3), 255, np.uint8)
        sheet[top : top + image.shape[0], left : left + image.shape[1]] = image
        padded.append(sheet)
    return padded


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"

"""The report of any ONNX model and pictures: its layers, activations, first filters, heatmaps and their checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError, LayerNotFound, NotDifferentiable
from inspector.render import overlay_pixels
from inspector.report.content import (
    FilterColumn,
    HeatCard,
    ImageBlock,
    LayerRow,
    filter_column,
    heat_words,
    layer_grid,
)
from inspector.report.gather import Options
from inspector.report.page import render_page, versions
from inspector.report.study import (
    Heat,
    LayerMaps,
    channels_first,
    first_convolution,
    study_filters,
    study_heat,
)
from inspector.report.summary import Advance, ReportSummary, silent, write_page
from inspector.report.tiles import heat_picture, photograph

if TYPE_CHECKING:
    from inspector.images import Picture
    from inspector.lens import Inspector
    from inspector.model.layer import Layer

__all__ = ["report_model"]

Array = NDArray[Any]
MOST_LAYERS = 8


@dataclass(frozen=True)
class PictureStudy:
    """One picture: its activations as rows, and its heatmap as a card."""

    block: ImageBlock
    card: HeatCard
    notes: tuple[str, ...] = ()
    rows: list[LayerRow] = field(default_factory=list)


def report_model(
    lens: Inspector,
    pictures: Sequence[Picture],
    out: str | PathLike[str] = "report.html",
    *,
    title: str = "",
    targets: Sequence[Any] | None = None,
    layer: str | None = None,
    options: Options | None = None,
    advance: Advance = silent,
) -> ReportSummary:
    """Write the report of one model.

    Args:
        pictures: from `inspector.images.load_pictures`; at least one.
        targets: one per picture; None: each picture's own top class.
        layer: of the heatmaps; None: the model's default.

    Raises:
        InspectorError: the pictures do not fit, the model cannot be run, or the page cannot be written.
    """
    if not pictures:
        raise InputError("no picture given: the report of a model shows what it makes of pictures")
    options = options or Options()
    wanted = list(targets) if targets is not None else [None] * len(pictures)
    if len(wanted) != len(pictures):
        raise InputError(f"{len(wanted)} targets for {len(pictures)} pictures: give one for each")
    name = title or (lens.model.path.name if lens.model.path is not None else "the model")
    total = len(pictures) + 2
    advance(0, total, "filters")
    filters, lacking = _filters(lens, options)
    shown = shown_layers(lens)
    studies = []
    for number, (picture, target) in enumerate(zip(pictures, wanted, strict=True), 1):
        advance(
            number,
            total,
            f"{picture.name}: activations, heatmap" + (" and its check" if options.check else ""),
        )
        studies.append(_study(lens, picture, number, target, layer, shown, options))
    advance(total - 1, total, "page")
    page = render_page(
        "model.html.j2",
        {
            "title": f"Looking into {name}",
            "name": name,
            "lens": lens,
            "layers": lens.layers(),
            "shown": [one.name for one in shown],
            "parameters": sum(one.parameters for one in lens.layers()),
            "pictures": studies,
            "filters": filters,
            "lacking": lacking,
            "options": options,
            "versions": versions(),
        },
    )
    summary = write_page(page, out, [study.card.heat for study in studies])
    advance(total, total, "done")
    return summary


def shown_layers(lens: Inspector) -> list[Layer]:
    """Whose activations are drawn: the layers that the exporter named, else feature maps spread over the depth."""
    maps = [layer for layer in lens.layers() if layer.layout in ("NCHW", "NHWC")]
    named = [layer for layer in maps if layer.kind is not None]
    if named:
        return named[: 2 * MOST_LAYERS]
    if len(maps) <= MOST_LAYERS:
        return maps
    places = np.linspace(0, len(maps) - 1, MOST_LAYERS).round().astype(int)
    return [maps[place] for place in places]


def _filters(lens: Inspector, options: Options) -> tuple[FilterColumn | None, str]:
    """The first convolution's filters, or why there are none."""
    convolution = first_convolution(lens)
    if convolution is None:
        return None, "The model has no two-dimensional convolution, so there are no filters to show."
    try:
        filters = study_filters(lens, convolution, options.filters, options.steps, options.seed)
    except (InputError, LayerNotFound, NotDifferentiable) as error:
        # several inputs, an image of unknown shape, computed kernels: the rest of the report is still worth having
        return None, f"No filters are shown: {error}."
    return filter_column("", filters), ""


def _study(
    lens: Inspector,
    picture: Picture,
    number: int,
    target: Any,
    layer: str | None,
    shown: Sequence[Layer],
    options: Options,
) -> PictureStudy:
    caption = picture.name
    rows = []
    if shown:
        values = lens.activations(picture.x, layers=[one.name for one in shown])
        for one in shown:
            maps = LayerMaps(one.name, one.label, channels_first(np.asarray(values[one.name]), one.layout))
            size = " × ".join(str(length) for length in maps.maps.shape[1:])
            rows.append(LayerRow(one.index, one.label, one.name, size, [layer_grid("", maps, 0, caption)]))
    method = "gradcam" if layer is not None else None
    (heat,) = study_heat(lens, [picture.x], [target], [""], layer=layer, method=method, check=options.check)
    photo = photograph(picture.rgb, caption) if picture.rgb is not None else None
    return PictureStudy(ImageBlock(number, caption, photo), _card(heat, picture), picture.notes, rows)


def _card(heat: Heat, picture: Picture) -> HeatCard:
    """The heatmap at the model's size; over the photograph at the photograph's."""
    flat = heat.heatmap
    while flat.ndim > 2:
        flat = flat[len(flat) // 2]
    strip = np.repeat(flat[None, :], max(8, flat.shape[-1] // 16), axis=0) if flat.ndim == 1 else flat
    unit = (strip + 1) / 2 if heat.signed else strip
    words = heat_words(heat, picture.name)
    overlay = None
    if picture.rgb is not None and picture.placement is not None and flat.ndim == 2:
        on_photo = picture.placement.to_photo(flat)
        overlay = photograph(
            overlay_pixels(picture.rgb, on_photo, signed=heat.signed),
            f"{words}, over the picture",
        )
    return HeatCard(heat, heat_picture(unit, words), overlay)

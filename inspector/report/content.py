"""What the templates show, built from the studies: pictures are made here, words and numbers are only arranged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.render import overlay_pixels
from inspector.report.gather import RunStudy
from inspector.report.runs import MODELS
from inspector.report.study import Filters, Heat, LayerMaps
from inspector.report.tiles import Figure, channel_grid, heat_picture, photograph, picture_grid

__all__ = ["Group", "activation_images", "filter_columns", "group_runs", "heat_images"]

Array = NDArray[Any]
MOST_CHANNELS = 64


@dataclass(frozen=True)
class Group:
    """The runs of one model side by side: one column per framework."""

    model: str
    title: str
    studies: tuple[RunStudy, ...]

    @property
    def name(self) -> str:
        """The title without its section: ``Line``."""
        return self.title.split(" · ")[-1]


@dataclass(frozen=True)
class Grid:
    """One layer of one image in one column, on both scales."""

    column: str
    own: Figure
    shared: Figure
    low: float
    high: float
    shown: int
    channels: int


@dataclass(frozen=True)
class LayerRow:
    number: int
    kind: str
    name: str
    size: str
    grids: list[Grid]


@dataclass(frozen=True)
class ImageBlock:
    """One image: its photograph and what is shown below it."""

    number: int
    caption: str
    photo: Figure | None
    layers: list[LayerRow] = field(default_factory=list)


@dataclass(frozen=True)
class FilterColumn:
    column: str
    filters: Filters
    maximised: Figure
    kernels: Figure


@dataclass(frozen=True)
class HeatCard:
    """One heatmap: the pictures, the target, and the verdict of its check."""

    heat: Heat
    picture: Figure
    overlay: Figure | None


@dataclass(frozen=True)
class HeatColumn:
    """``main`` at the first convolution, ``last`` at the last feature map, ``others`` at every other layer."""

    column: str
    main: HeatCard
    last: HeatCard | None
    own: HeatCard
    others: list[HeatCard]


@dataclass(frozen=True)
class HeatBlock:
    number: int
    caption: str
    photo: Figure
    columns: list[HeatColumn]


def group_runs(studies: Sequence[RunStudy]) -> list[Group]:
    """Runs by model, in the source report's order; within a model in the order given, PyTorch first."""
    order = {model: place for place, model in enumerate(MODELS)}
    models = sorted(
        {study.run.model for study in studies}, key=lambda model: (order.get(model, len(order)), model)
    )
    return [
        Group(
            model,
            MODELS.get(model, model),
            tuple(
                sorted(
                    (study for study in studies if study.run.model == model),
                    key=lambda study: study.run.framework != "torch",
                )
            ),
        )
        for model in models
    ]


def columns(group: Group) -> list[str]:
    """A heading per run: the framework, with the folder's name where two runs share one."""
    frameworks = [study.run.framework_title for study in group.studies]
    return [
        name if frameworks.count(name) == 1 else f"{name} ({study.run.path.name})"
        for name, study in zip(frameworks, group.studies, strict=True)
    ]


def layer_grid(column: str, layer: LayerMaps, index: int, caption: str) -> Grid:
    maps = layer.maps[index]
    shown = maps[:MOST_CHANNELS]
    what = f"{len(shown)} channels of {layer.kind} ({layer.name}) for {caption}, {column}"
    return Grid(
        column=column,
        own=channel_grid(shown, f"{what}; each on its own scale", "channel"),
        shared=channel_grid(shown, f"{what}; all on one scale", "shared"),
        low=float(shown.min()),
        high=float(shown.max()),
        shown=len(shown),
        channels=len(maps),
    )


def activation_images(group: Group) -> list[ImageBlock]:
    """Every image with every layer, one grid per framework."""
    first = group.studies[0]
    blocks = []
    for index, caption in enumerate(first.captions):
        rows = []
        for number, layer in enumerate(first.layers, 1):
            grids = [
                layer_grid(column, study.layers[number - 1], index, f"image {index + 1} ({caption})")
                for column, study in zip(columns(group), group.studies, strict=True)
            ]
            height, width = layer.maps.shape[-2:]
            rows.append(
                LayerRow(number, layer.kind, layer.name, f"{layer.maps.shape[1]} × {height} × {width}", grids)
            )
        photo = photograph(first.photos[index], f"Image {index + 1}: {caption}")
        blocks.append(ImageBlock(index + 1, caption, photo, rows))
    return blocks


def filter_column(column: str, filters: Filters) -> FilterColumn:
    what = f"{len(filters.channels)} of {filters.total} filters of {filters.layer}, {column}"
    return FilterColumn(
        column,
        filters,
        picture_grid(filters.maximised, f"Pictures that maximise {what}"),
        picture_grid(filters.kernels, f"Raw kernels of {what}; 0 is mid-grey", centred=True),
    )


def filter_columns(group: Group) -> list[FilterColumn]:
    return [
        filter_column(column, study.filters)
        for column, study in zip(columns(group), group.studies, strict=True)
    ]


def heat_words(heat: Heat, what: str) -> str:
    """A heatmap for those who cannot see it."""
    where = f"at {heat.layer}" if heat.layer else "at the input"
    return f"{heat.method} of {what} with respect to {heat.caption}, {where}; {_where(heat.heatmap)}"


def heat_card(heat: Heat, photo: Array, what: str) -> HeatCard:
    words = heat_words(heat, what)
    overlay = photograph(overlay_pixels(photo, heat.heatmap), f"{words}, over the image")
    return HeatCard(heat, heat_picture(heat.heatmap, words), overlay)


def heat_images(group: Group) -> list[HeatBlock]:
    """Every image with its heatmaps, one column per framework."""
    first = group.studies[0]
    blocks = []
    for index, caption in enumerate(first.captions):
        cells = []
        for column, study in zip(columns(group), group.studies, strict=True):
            what = f"image {index + 1} ({caption}), {column}"
            photo = study.photos[index]
            cards = {layer: heat_card(heats[index], photo, what) for layer, heats in study.reference.items()}
            main = cards.pop(study.main_layer)
            last = cards.pop(study.last_layer, None)
            cells.append(
                HeatColumn(column, main, last, heat_card(study.own[index], photo, what), list(cards.values()))
            )
        photo_figure = photograph(first.photos[index], f"Image {index + 1}: {caption}")
        blocks.append(HeatBlock(index + 1, caption, photo_figure, cells))
    return blocks


def _where(heat: Array) -> str:
    """Where the heat is, for those who cannot see it."""
    if heat.max() <= 0:
        return "no heat anywhere"
    if heat.ndim != 2:
        return f"{float((heat > 0.5).mean()):.0%} of it above half"
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    vertical = ("top", "middle", "bottom")[min(2, 3 * int(row) // heat.shape[0])]
    horizontal = ("left", "centre", "right")[min(2, 3 * int(column) // heat.shape[1])]
    return f"hottest at the {vertical} {horizontal}, {float((heat > 0.5).mean()):.0%} of the image above half"

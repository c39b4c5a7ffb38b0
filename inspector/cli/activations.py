"""`onnxlens activations`: what each layer makes of a picture, channel by channel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from inspector.cli.console import note, print_path, track
from inspector.cli.open import mention_broken_weights, open_model, open_pictures
from inspector.cli.options import image_arguments, model_argument, out_option, picture_options, shared_options
from inspector.cli.words import as_spelt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inspector.lens import Inspector
    from inspector.model import Layer

__all__ = ["activations"]

# without --layer, a deep model would be drawn by the hundred
MOST_LAYERS = 24


@click.command()
@model_argument
@image_arguments()
@click.option(
    "--layer", "specs", multiple=True, metavar="L", help="Name, index, OpType:N or glob; repeat for more."
)
@out_option("activations")
@click.option("--scale", type=click.Choice(["channel", "shared", "both"]), default="channel", show_default=True,
              help="Each channel between its own extremes, all on one scale, or a figure of each.")  # fmt: skip
@click.option("--npz", is_flag=True, help="Also save the arrays, one .npz per picture.")
@picture_options
@shared_options
def activations(
    model: Path, images: tuple[Path, ...], specs: tuple[str, ...], out: Path, scale: str, npz: bool,
    labels: Path | None, provider: str | None, threads: int | None, quiet: bool, **picture: Any,
) -> None:  # fmt: skip
    """Draw what each layer makes of a picture: a grid of its channels for each picture and layer.

    Without --layer: the layers that the exporter named, else the model's feature maps, at most 24 of them.
    """
    from inspector.render import activation_figure, figure_name, save_arrays, save_figure

    lens = open_model(model, provider, threads, labels)
    mention_broken_weights(lens)
    pictures = open_pictures(lens, images, quiet, **picture)
    chosen = choose_layers(lens, specs, quiet)
    widest = max(layer.index for layer in chosen)
    scales = ("channel", "shared") if scale == "both" else (scale,)
    for number, sample in enumerate(track(pictures, "activations", len(pictures), quiet), 1):
        arrays = lens.activations(sample.x, layers=[layer.name for layer in chosen])
        for layer in chosen:
            for one in scales:
                title = f"{sample.name} · layer {layer.index} {layer.name} ({layer.label})"
                figure = activation_figure(channels_first(arrays[layer.name][0], layer.layout), title, one)
                what = "shared" if one == "shared" else ""
                place = figure_name(
                    image=number,
                    images=len(pictures),
                    layer=(layer.index, layer.name),
                    layers=widest,
                    what=what,
                )
                print_path(save_figure(figure, out / place))
        if npz:
            place = figure_name(image=number, images=len(pictures), what="activations", suffix=".npz")
            print_path(save_arrays(arrays, out / place))


def choose_layers(lens: Inspector, specs: tuple[str, ...], quiet: bool) -> list[Layer]:
    """The layers that `specs` name, in the model's order; without any, the default ones."""
    from inspector.errors import LayerNotFound

    every = lens.layers(plumbing=True)
    if specs:
        names = [name for layer in every for name in layer.outputs]
        found = lens.resolve_layers([as_spelt(spec, names) for spec in specs])
        drawn = [layer for layer in found if not_drawn(layer) is None]
        if not drawn:
            raise LayerNotFound(f"'{found[0].name}' cannot be drawn: it is {not_drawn(found[0])}")
        return drawn
    taps = set(lens.metadata.layers)
    named = [layer for layer in lens.results(plumbing=True) if layer.name in taps]
    if named:
        return named
    maps = [layer for layer in lens.results() if is_map(layer)]
    if not maps:
        raise LayerNotFound(
            "the model has no spatial feature map: name a layer with --layer (see `onnxlens layers`)"
        )
    if len(maps) > MOST_LAYERS:
        note(
            f"the first {MOST_LAYERS} of {len(maps)} feature maps are drawn: name others with --layer.", quiet
        )
    return maps[:MOST_LAYERS]


def not_drawn(layer: Layer) -> str | None:
    """Why a layer has no picture; None where it has one."""
    return "text" if layer.dtype == "string" else layer.reason


def is_map(layer: Layer) -> bool:
    """Whether a layer has places to look at, and not just one number for each channel."""
    if layer.layout is None or layer.shape is None:
        return False
    places = [size for axis, size in zip(layer.layout, layer.shape, strict=True) if axis not in "NC"]
    return any(size != 1 for size in places)


def channels_first(array: NDArray[Any], layout: str | None) -> NDArray[Any]:
    """One sample's array with its channel axis in front, whatever the layout of the tensor."""
    if layout is None or "C" not in layout or array.ndim != len(layout) - 1:
        return array
    import numpy as np

    return np.moveaxis(array, layout.index("C") - 1, 0)

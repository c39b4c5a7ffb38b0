"""`onnxlens filters`: a convolution's kernels, and the pictures that its filters answer to most."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from inspector.cli.console import print_path, progress_bar
from inspector.cli.open import mention_broken_weights, open_model
from inspector.cli.options import model_argument, out_option, shared_options
from inspector.cli.words import as_spelt, parse_numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from inspector.lens import Inspector
    from inspector.model import Layer

__all__ = ["filters"]

# the source's habit: a 5 x 5 grid
HABIT = 25


@click.command()
@model_argument
@click.option("--layer", metavar="L", help="Name, index or OpType:N (default: the first convolution).")
@click.option("--mode", type=click.Choice(["kernels", "maximize", "maximise"]), default="kernels", show_default=True,
              help="The weights themselves, or gradient ascent from a grey picture.")  # fmt: skip
@click.option(
    "--filters",
    "which",
    metavar="0-24",
    help="Which filters, or classes of the logits (default: the first 25).",
)
@click.option(
    "--steps", type=click.IntRange(min=1), default=30, show_default=True, help="Steps of gradient ascent."
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of the noise that the ascent starts from."
)
@out_option("filters")
@click.option(
    "--labels", type=click.Path(path_type=Path), metavar="FILE", help="Class names, one a line, or JSON."
)
@shared_options
def filters(
    model: Path, layer: str | None, mode: str, which: str | None, steps: int, seed: int, out: Path,
    labels: Path | None, provider: str | None, threads: int | None, quiet: bool,
) -> None:  # fmt: skip
    """Draw kernels, or the pictures that filters answer to.

    With --mode maximize and --layer naming the logits, the pictures that each class answers to.
    """
    from inspector.render import save_figure, slug

    mode = mode.replace("ise", "ize")
    lens = open_model(model, provider, threads, labels)
    chosen = lens.resolve_layer(as_spelt(layer, _names(lens)) if layer else first_convolution(lens))
    if mode == "kernels":
        mention_broken_weights(lens)
    draw = _kernels if mode == "kernels" else _maximised
    figure = draw(lens, chosen, which, steps=steps, seed=seed, quiet=quiet)
    print_path(save_figure(figure, out / f"layer-{chosen.index}-{slug(chosen.name)}_{mode}.png"))


def first_convolution(lens: Inspector) -> Layer:
    """The first convolution; raises LayerNotFound where there is none."""
    from inspector.errors import LayerNotFound

    for layer in lens.layers():
        if layer.op_type in ("Conv", "ConvInteger", "QLinearConv", "ConvTranspose"):
            return layer
    raise LayerNotFound("the model has no convolution: name a layer with --layer (see `onnxlens layers`)")


def _names(lens: Inspector) -> list[str]:
    return [name for layer in lens.layers(plumbing=True) for name in layer.outputs]


def _kernels(lens: Inspector, layer: Layer, which: str | None, **_: object) -> Figure:
    from inspector.render import kernel_grid

    kernels = lens.kernels(layer)
    chosen = (
        parse_numbers(which, len(kernels)) if which is not None else list(range(min(HABIT, len(kernels))))
    )
    return kernel_grid(kernels, f"layer {layer.index} {layer.name} ({layer.label}): kernels", chosen)


def _maximised(
    lens: Inspector, layer: Layer, which: str | None, *, steps: int, seed: int, quiet: bool
) -> Figure:
    from inspector.render import image_grid, stretched

    count = channel_count(layer)
    chosen = parse_numbers(which, count) if which is not None else list(range(min(HABIT, count)))
    with progress_bar("gradient ascent", quiet) as advance:
        images = lens.maximize(
            layer, chosen, steps, seed, progress=lambda done, total: advance(done, total, "")
        )
    names = lens.labels.get(layer.name, ())
    captions = [names[i] if i < len(names) else str(i) for i in chosen]
    what = "classes" if layer.layout is None else "filters"
    how = f"{steps} steps of ascent from grey, seed {seed} · each stretched to its range"
    subtitle = f"{len(chosen)} of {count} {what} · {how}"
    title = f"layer {layer.index} {layer.name} ({layer.label}): what excites each most"
    return image_grid([stretched(image) for image in images], captions, title, subtitle)


def channel_count(layer: Layer) -> int:
    """How many filters, or classes, a layer has; raises LayerNotFound where its shape does not say."""
    from inspector.errors import LayerNotFound

    axis = layer.layout.index("C") if layer.layout else 1
    size = layer.shape[axis] if layer.shape is not None and len(layer.shape) > axis else None
    if not isinstance(size, int):
        raise LayerNotFound(
            f"the layer '{layer.name}' has no fixed number of channels: name another with --layer"
        )
    return size

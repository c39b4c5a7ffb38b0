"""`onnxlens filters`: a layer's kernels, and the pictures that its filters answer to most, made or found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from inspector.cli.console import note, print_json, print_path
from inspector.cli.open import mention_broken_weights, open_model
from inspector.cli.options import model_argument, out_option, picture_options, shared_options
from inspector.cli.words import as_spelt, parse_numbers, parse_settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from inspector.lens import Inspector
    from inspector.model import Layer

__all__ = ["channel_count", "chosen_filters", "filters", "first_convolution"]

# the source's habit: a 5 x 5 grid
HABIT = 25


@click.command()
@model_argument
@click.option("--layer", metavar="L", help="Name, index or OpType:N (default: the first convolution).")
@click.option("--mode", type=click.Choice(["kernels", "maximize", "maximise", "top"]), default="kernels",
              show_default=True,
              help="The weights; pictures made by ascent; or the crops of --images that excite most.")  # fmt: skip
@click.option("--filters", "which", metavar="0-24",
              help="Which filters, or classes of the logits (default: the first 25; with top 9).")  # fmt: skip
@click.option("--each", type=click.IntRange(min=1), metavar="N",
              help="Pictures of each filter (default: 1; with top 9).")  # fmt: skip
@click.option("--parametrisation", "--parametrization", type=click.Choice(["pixels", "fourier"]), default="pixels",
              show_default=True, help="What the ascent moves: pixels, or waves as in natural pictures.")  # fmt: skip
@click.option("--steps", type=click.IntRange(min=1), help="Steps of ascent (default: 30; with fourier 128).")
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of the noise that the ascent starts from."
)
@click.option("--neuron", metavar="Y,X", help="One place of the filters in place of their mean; or center.")
@click.option("--direction", type=click.Path(path_type=Path), metavar="FILE.npy",
              help="A vector over the filters, or several, in place of --filters.")  # fmt: skip
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE",
              help="An option of the ascent (tv, l2, diversity, step, ...); repeat for more.")  # fmt: skip
@click.option("--images", "folders", multiple=True, type=click.Path(path_type=Path), metavar="FOLDER",
              help="Pictures to look through with --mode top; repeat for more.")  # fmt: skip
@click.option("--gif", is_flag=True, help="Also the ascent as an animation.")
@click.option("--json", "as_json", is_flag=True, help="What was drawn as JSON.")
@out_option("filters")
@picture_options
@shared_options
def filters(
    model: Path, layer: str | None, mode: str, which: str | None, each: int | None, parametrisation: str,
    steps: int | None, seed: int, neuron: str | None, direction: Path | None, settings: tuple[str, ...],
    folders: tuple[Path, ...], gif: bool, as_json: bool, out: Path, labels: Path | None, provider: str | None,
    threads: int | None, quiet: bool, **picture: Any,
) -> None:  # fmt: skip
    """Draw kernels, or the pictures that filters answer to.

    With --mode maximize and --layer naming the logits, the pictures that each class answers to.
    """
    mode = mode.replace("ise", "ize")
    _refuse_unread(mode, gif=gif, neuron=neuron, direction=direction, set=settings, images=folders)
    lens = open_model(model, provider, threads, labels)
    chosen = lens.resolve_layer(as_spelt(layer, _names(lens)) if layer else first_convolution(lens))
    silent = quiet or as_json
    if mode == "kernels":
        mention_broken_weights(lens)
        records = [_kernels(lens, chosen, which, out)]
    elif mode == "top":
        from inspector.cli.found import draw_found

        if not folders:
            raise click.UsageError("--mode top looks through pictures: name a folder of them with --images.")
        records = draw_found(lens, chosen, which, each or 9, folders, out, silent, picture)
    else:
        from inspector.cli.made import Made, draw_made

        wanted = Made(
            which, each or 1, parametrisation, steps, seed, _neuron(neuron), _vectors(direction), gif
        )
        records, notes = draw_made(lens, chosen, wanted, parse_settings(settings), out, silent, picture)
        for message in notes:
            note(message, silent)
    if as_json:
        print_json(records)
        return
    for path in dict.fromkeys(path for record in records for path in record["files"]):
        print_path(path)


def first_convolution(lens: Inspector) -> Layer:
    """The first convolution; raises LayerNotFound where there is none."""
    from inspector.errors import LayerNotFound

    for layer in lens.layers():
        if layer.op_type in ("Conv", "ConvInteger", "QLinearConv", "ConvTranspose"):
            return layer
    raise LayerNotFound("the model has no convolution: name a layer with --layer (see `onnxlens layers`)")


def channel_count(layer: Layer) -> int:
    """How many filters, or classes, a layer has; raises LayerNotFound where its shape does not say."""
    from inspector.errors import LayerNotFound

    # without a layout the features come last
    axis = layer.layout.index("C") if layer.layout else -1
    size = layer.shape[axis] if layer.shape is not None and len(layer.shape) > max(axis, 0) else None
    if not isinstance(size, int):
        raise LayerNotFound(
            f"the layer '{layer.name}' has no fixed number of channels: name another with --layer"
        )
    return size


def chosen_filters(layer: Layer, which: str | None, most: int = HABIT) -> list[int]:
    """The numbers that `which` names; without it the first ones."""
    count = channel_count(layer)
    return parse_numbers(which, count) if which is not None else list(range(min(most, count)))


def _names(lens: Inspector) -> list[str]:
    return [name for layer in lens.layers(plumbing=True) for name in layer.outputs]


def _refuse_unread(mode: str, **given: Any) -> None:
    """UsageError where an option is given that this mode does not read."""
    reads = {"maximize": {"gif", "neuron", "direction", "set"}, "top": {"images"}}.get(mode, set())
    for name, value in given.items():
        if value and name not in reads:
            other = "top" if name == "images" else "maximize"
            raise click.UsageError(f"--{name} belongs to --mode {other}.")


def _kernels(lens: Inspector, layer: Layer, which: str | None, out: Path) -> dict[str, Any]:
    from inspector.render import activation_figure, kernel_grid, save_figure, slug

    kernels = _as_pictures(lens, lens.kernels(layer))
    chosen = (
        parse_numbers(which, len(kernels)) if which is not None else list(range(min(HABIT, len(kernels))))
    )
    title = f"layer {layer.index} {layer.name} ({layer.label}): kernels"
    figure = (
        activation_figure(kernels[chosen], title)
        if kernels.ndim == 2
        else kernel_grid(kernels, title, chosen)
    )
    path = save_figure(figure, out / f"layer-{layer.index}-{slug(layer.name)}_kernels.png")
    return {
        "layer": layer.name,
        "mode": "kernels",
        "filters": chosen,
        "shape": list(lens.kernels(layer).shape),
        "files": [path],
    }


def _as_pictures(lens: Inspector, kernels: NDArray[Any]) -> NDArray[Any]:
    """Rows over all numbers of an input picture as pictures (out, C, H, W); other kernels as they are."""
    from inspector.images import picture_input
    from inspector.images.layout import picture_layout

    main = picture_input(lens.inputs)
    layout = picture_layout(main.shape, None)
    sides = main.shape[1:] if main.shape is not None else ()
    if (
        kernels.ndim != 2
        or layout is None
        or len(sides) != 3
        or not all(isinstance(side, int) for side in sides)
    ):
        return kernels
    sample = tuple(side for side in sides if isinstance(side, int))
    if kernels.shape[1] != sample[0] * sample[1] * sample[2]:
        return kernels
    rows = kernels.reshape(len(kernels), *sample)
    return rows if layout == "NCHW" else rows.transpose(0, 3, 1, 2)


def _neuron(text: str | None) -> str | Sequence[int] | None:
    if text is None or text.strip() in ("center", "centre"):
        return text if text is None else "center"
    parts = text.replace("x", ",").split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise click.BadParameter(f"--neuron takes a place, like 7,7, or center; not {text!r}.")
    return [int(part) for part in parts]


def _vectors(path: Path | None) -> NDArray[np.floating] | None:
    if path is None:
        return None
    import numpy as np

    from inspector.errors import InputError, InputNotFound

    try:
        vectors = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise InputNotFound(f"there is no file {path} to read a direction from.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} holds no array that NumPy can read: {error}") from None
    if not isinstance(vectors, np.ndarray) or vectors.dtype.kind not in "fiu":
        raise InputError(f"{path} is no .npy file of numbers: save the direction with numpy.save.")
    return vectors.astype(np.float64)

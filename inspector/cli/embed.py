"""`onnxlens embed`: an ONNX file that explains itself."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from inspector.cli.console import note, print_json, print_path
from inspector.cli.open import open_model
from inspector.cli.options import model_argument, shared_options
from inspector.cli.words import as_spelt

if TYPE_CHECKING:
    from inspector.embed import Embedded

__all__ = ["embed"]

MEGA = 1e6


@click.command()
@model_argument
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="EXPLAINED.onnx", help="File to write."
)
@click.option("--method", default="gradcam", show_default=True, metavar="NAME",
              help="One that needs no loop; any other name lists them.")  # fmt: skip
@click.option("--layer", metavar="L", help="Name, index or OpType:N (default: the last feature map).")
@click.option("--class-input", is_flag=True,
              help="Add a required int64 input 'class' (batch): the class to explain, -1: the top class.")  # fmt: skip
@click.option(
    "--target", metavar="T", help="Class, label or output[index] (default: each image's top class)."
)
@click.option("--tokens", metavar="[N+]HxW[+N]",
              help="Tokens as a map: 1+14x14 leaves out one and folds the rest (default: found).")  # fmt: skip
@click.option("--score", type=click.Choice(["logit", "output"]), default="logit", show_default=True,
              help="Before or after a final softmax or sigmoid.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="What was written, as JSON.")
@click.option(
    "--labels", type=click.Path(path_type=Path), metavar="FILE", help="Class names, one a line, or JSON."
)
@shared_options
def embed(
    model: Path, out: Path, method: str, layer: str | None, class_input: bool, target: str | None, tokens: str | None,
    score: Literal["logit", "output"], as_json: bool, labels: Path | None, provider: str | None, threads: int | None,
    quiet: bool,
) -> None:  # fmt: skip
    """Write one ONNX file that also returns the heatmap.

    It has the model's inputs and outputs, and a further output 'heatmap' in the size of the input, scaled as `explain`
    does. Whatever runs ONNX runs it. Before it is written it is compared with `explain`, and what it costs is measured.
    """
    lens = open_model(model, provider, threads, labels)
    names = [name for one in lens.layers(plumbing=True) for name in one.outputs]
    outputs = [output.name for output in lens.outputs]
    place = lens.resolve_layer(as_spelt(layer, names)).name if layer else None
    wanted = as_spelt(target, [*names, *outputs]) if target else None
    made = lens.embed(out, method, place, class_input, wanted, score, tokens)
    if as_json:
        print_json(asdict(made))
        return
    _print(made)
    note(
        "the time is that of this machine, for the input tried; the agreement is the largest difference from `explain`",
        quiet,
    )


def _print(made: Embedded) -> None:
    asked = ", or the class asked for" if made.class_input else ""
    click.echo(f"explains: {made.target}{asked}")
    click.echo(f"method: {made.method} at {made.layer or 'the input'}")
    click.echo(f"nodes: {made.nodes}, {made.nodes_added} of them for the heatmap")
    click.echo(f"size: {made.bytes_after / MEGA:.3f} MB, before {made.bytes_before / MEGA:.3f} MB")
    click.echo(f"time: {made.slowdown:.2f} times the model's own")
    click.echo(f"agreement: {made.agreement:.1e}")
    for path in made.files:
        print_path(path)

"""`onnxlens layers`: what is in the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from inspector.cli.console import note, print_json, print_rows
from inspector.cli.open import open_model
from inspector.cli.options import model_argument, shared_options

if TYPE_CHECKING:
    from inspector.lens import Inspector
    from inspector.model import Dim, Layer, TensorInfo

__all__ = ["layers"]

# of those without an activation, in the table's own words; --json has them all
MOST_NAMED = 4
# columns of the table that a narrow terminal shortens (name, shape, operator, kind, then the rest of the name), and to
# what at least
SHRINKING = ((1, 24), (4, 17), (2, 14), (3, 12), (1, 12))


@click.command()
@model_argument
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON, with edges and attributes.")
@click.option("--all", "show_all", is_flag=True, help="Also shape arithmetic, constants and casts.")
@shared_options
def layers(
    model: Path, as_json: bool, show_all: bool, provider: str | None, threads: int | None, quiet: bool
) -> None:
    """List the layers of any ONNX model.

    The index, the name and `OpType:N` (Conv:last) are what --layer takes elsewhere; * marks the layer that heatmaps are
    drawn at unless you name another.
    """
    lens = open_model(model, provider, threads)
    shown = lens.layers(plumbing=show_all)
    default, kind, why = default_layer(lens)
    if as_json:
        print_json({**_document(lens, shown, default), "kind": kind, "reason": why})
        return
    columns = [
        ("#", "right"), ("name", "left"), ("operator", "left"), ("kind", "left"), ("shape", "left"),
        ("type", "left"), ("parameters", "right"),
    ]  # fmt: skip
    rows = [
        [
            str(layer.index), layer.name + ("*" if layer.name == default else ""), layer.op_type, layer.kind or "",
            _shape(layer.shape), layer.dtype or "?", f"{layer.parameters:,}" if layer.parameters else "",
        ]
        for layer in shown
    ]  # fmt: skip
    if print_rows(columns, rows, SHRINKING):
        note("long names are shortened: --json has them whole, and --layer takes the number too.", quiet)
    for word, tensors in (("takes", lens.inputs), ("returns", lens.outputs)):
        click.echo(f"{word}: " + ", ".join(f"{t.name} {t.dtype or '?'} {_shape(t.shape)}" for t in tensors))
    click.echo(f"heatmaps: {why}" if default is None else f"heatmaps: at {default}, taken for {kind}: {why}")
    for reason, names in _without_activation(shown).items():
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        click.echo(f"no activation: {', '.join(names[:MOST_NAMED])}{more} ({reason})")
    hidden = len(lens.layers(plumbing=True)) - len(shown)
    if hidden:
        note(f"{hidden} nodes of shape arithmetic, constants and casts are not shown (--all).", quiet)


def default_layer(lens: Inspector) -> tuple[str | None, str | None, str]:
    """Where CAM methods look by default, what kind of model that is for, and why; or no layer, and why none."""
    from inspector.errors import InspectorError

    try:
        choice = lens.layer_choice()
    except InspectorError as error:
        return None, None, " ".join(str(error).split())
    return choice.layer.name, choice.kind, choice.reason


def _without_activation(layers: list[Layer]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for layer in layers:
        if layer.reason is not None:
            found.setdefault(layer.reason, []).append(layer.name)
    return found


def _document(lens: Inspector, shown: list[Layer], default: str | None) -> dict[str, Any]:
    producers = {output: layer.index for layer in lens.layers(plumbing=True) for output in layer.outputs}
    return {
        "model": str(lens.model.path),
        "opset": lens.model.opset,
        "inputs": [_tensor(t) for t in lens.inputs],
        "outputs": [_tensor(t) for t in lens.outputs],
        "default_layer": default,
        "layers": [
            {
                "index": layer.index,
                "name": layer.name,
                "op_type": layer.op_type,
                "domain": layer.domain,
                "node": layer.node,
                "kind": layer.kind,
                "inputs": layer.inputs,
                "outputs": layer.outputs,
                "shape": layer.shape,
                "dtype": layer.dtype,
                "layout": layer.layout,
                "parameters": layer.parameters,
                "plumbing": layer.plumbing,
                "default": layer.name == default,
                "no_activation": layer.reason,
                "attributes": dict(layer.attributes),
            }
            for layer in shown
        ],
        "edges": [
            {"from": producers.get(tensor), "to": layer.index, "tensor": tensor}
            for layer in shown
            for tensor in layer.inputs
        ],
    }


def _tensor(info: TensorInfo) -> dict[str, Any]:
    return {"name": info.name, "shape": info.shape, "dtype": info.dtype}


def _shape(shape: tuple[Dim, ...] | None) -> str:
    from inspector.model import shape_text

    return "?" if shape is None else shape_text(shape)

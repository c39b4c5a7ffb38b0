"""`onnxlens layers`: what is in the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from inspector.cli.console import note, plain, print_json, print_table, table
from inspector.cli.open import open_model
from inspector.cli.options import model_argument, shared_options

if TYPE_CHECKING:
    from inspector.model import Dim, Layer, TensorInfo

__all__ = ["layers"]


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
    default = default_layer_name(lens)
    if as_json:
        print_json(_document(lens, shown, default))
        return
    made = table(
        [
            ("#", "right"), ("name", "left"), ("operator", "left"), ("kind", "left"), ("shape", "left"),
            ("type", "left"), ("parameters", "right"),
        ],
    )  # fmt: skip
    for layer in shown:
        mark = "*" if layer.name == default else ""
        made.add_row(
            str(layer.index), plain(layer.name + mark), layer.op_type, plain(layer.kind or ""), _shape(layer.shape),
            layer.dtype or "?", f"{layer.parameters:,}" if layer.parameters else "",
        )  # fmt: skip
    print_table(made)
    for word, tensors in (("takes", lens.inputs), ("returns", lens.outputs)):
        click.echo(f"{word}: " + ", ".join(f"{t.name} {t.dtype or '?'} {_shape(t.shape)}" for t in tensors))
    hidden = len(lens.layers(plumbing=True)) - len(shown)
    if hidden:
        note(f"{hidden} nodes of shape arithmetic, constants and casts are not shown (--all).", quiet)


def default_layer_name(lens: Any) -> str | None:
    """Where CAM methods look by default; None where the model has no spatial layer or no clear target."""
    from inspector.errors import InspectorError

    try:
        return str(lens.default_layer().name)
    except InspectorError:
        return None


def _document(lens: Any, shown: list[Layer], default: str | None) -> dict[str, Any]:
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
    if shape is None:
        return "?"
    return "(" + ", ".join("?" if axis is None else str(axis) for axis in shape) + ")"

"""From what a user types to a layer."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Iterable, Sequence

from inspector.errors import LayerNotFound
from inspector.model.layer import Layer

__all__ = ["resolve_layer", "resolve_layers"]

NTH_OF_TYPE = re.compile(r"(?P<op>[A-Za-z_]\w*):(?P<nth>first|last|-?\d+)")


def resolve_layers(layers: Sequence[Layer], spec: str | int) -> list[Layer]:
    """The layers that `spec` names, in this order of precedence: exact tensor or node name, label, index printed by
    `layers`, `OpType:N` (`Conv:1` is the first, `Conv:last`, `Conv:-2`), glob. Only a label or a glob may name several.

    Raises:
        LayerNotFound: none; lists near matches.
    """
    text = str(spec).strip()
    by_name = [
        layer for layer in layers if isinstance(spec, str) and (text in layer.outputs or text == layer.node)
    ]
    if by_name:
        # a node may bear the name of another node's tensor: the tensor comes first
        return [next((layer for layer in by_name if text in layer.outputs), by_name[0])]
    by_label = [
        layer for layer in layers if layer.kind is not None and layer.kind.casefold() == text.casefold()
    ]
    if by_label:
        return by_label
    if text.isdecimal():
        by_index = [layer for layer in layers if layer.index == int(text)]
        if by_index:
            return by_index
    if match := NTH_OF_TYPE.fullmatch(text):
        return [_nth(layers, match["op"], match["nth"])]
    by_glob = [
        layer
        for layer in layers
        if not layer.plumbing
        and any(fnmatch.fnmatchcase(name, text) for name in (*layer.outputs, layer.node))
    ]
    if by_glob:
        return by_glob
    raise LayerNotFound(f"the model has no layer '{spec}'{_near(layers, text)}")


def resolve_layer(layers: Sequence[Layer], spec: str | int) -> Layer:
    """The one layer that `spec` names.

    Raises:
        LayerNotFound: none, or several; lists near matches, or them.
    """
    found = resolve_layers(layers, spec)
    if len(found) > 1:
        raise LayerNotFound(
            f"'{spec}' names {len(found)} layers: {_listing(layer.name for layer in found)}; give one"
        )
    return found[0]


def _nth(layers: Sequence[Layer], op: str, nth: str) -> Layer:
    of_type = [layer for layer in layers if layer.op_type.casefold() == op.casefold()]
    if not of_type:
        kinds = sorted({layer.op_type for layer in layers if not layer.plumbing})
        raise LayerNotFound(f"the model has no {op} layer; its layers are of type {_listing(kinds)}")
    number = {"first": 1, "last": -1}.get(nth) or int(nth)
    if number == 0 or abs(number) > len(of_type):
        raise LayerNotFound(
            f"the model has {len(of_type)} {op} layers: {op}:1 to {op}:{len(of_type)}, not {op}:{nth}"
        )
    return of_type[number - 1 if number > 0 else number]


def _near(layers: Sequence[Layer], text: str) -> str:
    names = list(
        dict.fromkeys(
            name for layer in layers for name in (*layer.outputs, layer.node, layer.kind or "") if name
        )
    )
    folded = {name.casefold(): name for name in names}
    near = [folded[match] for match in difflib.get_close_matches(text.casefold(), folded, n=5, cutoff=0.5)]
    near += [name for name in names if text and text.casefold() in name.casefold() and name not in near]
    if near:
        return f"; near matches: {_listing(near[:5])}"
    shown = [layer.name for layer in layers if not layer.plumbing]
    return f"; `onnxlens layers` lists all {len(shown)}: {_listing(shown)}"


def _listing(names: Iterable[str], most: int = 8) -> str:
    every = list(names)
    return ", ".join(every[:most]) + (", ..." if len(every) > most else "")
